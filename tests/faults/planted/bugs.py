"""The bugs, as replacements of what the kernel and the services do. Waits are seconds."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from shared import channel, performing, reacting, timers
from shared.applying import Applier
from shared.channel import Beat, Place, Verdict, Word
from shared.failpoints import reached
from shared.fence import Fence
from shared.message import Issued, Position
from shared.outlet import Outlet
from shared.postgres import Tx
from shared.running import Running
from tests.shared.forgetful import deaf_to_beats, unchained

LATE = 0.3
ONE_IN = 7


def answers_before_the_commit() -> None:
    """A till is answered while the transaction that takes its items is still open."""
    genuine = performing.in_transaction

    async def in_transaction(running: Running, act: Callable[[Tx], Awaitable[Any]]) -> Any:
        if not act.__module__.startswith("services.pos.intake"):
            return await genuine(running, act)
        known: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def whole() -> None:
            try:
                async with running.pool.acquire() as tx, tx.transaction():
                    known.set_result(await act(tx))
                    await asyncio.sleep(LATE)
                    await reached("command.done")
            except Exception as error:
                if not known.done():
                    known.set_exception(error)
            running.appended.set()

        task = asyncio.create_task(whole())
        running.queues.tasks.add(task)
        return await known

    _put(performing, "in_transaction", in_transaction)


def moves_the_fence_in_another_transaction() -> None:
    """What loyalty-points says has its effect, and only then, in a transaction of its own, counts as heard.

    What others say leaves rows with keys of their own, so that a second effect would be loud.
    """
    once, move = Applier._once, Fence.move
    moved: dict[Fence, Mapping[int, Place]] = {}

    async def noted(fence: Fence, tx: Tx, places: Mapping[int, Place]) -> None:
        if ".loyalty-points." in fence.topic:
            moved[fence] = places
        else:
            await move(fence, tx, places)

    async def apart(applier: Applier, *told: Any) -> Any:
        gaps = await once(applier, *told)
        if places := moved.pop(applier.fence, None):
            await asyncio.sleep(LATE)
            async with applier.running.pool.acquire() as tx:
                await move(applier.fence, tx, places)
        return gaps

    _put(Fence, "move", noted)
    _put(Applier, "_once", apart)


def moves_the_cursor_before_the_acknowledgements() -> None:
    """A page counts as sent when its sending has begun."""
    deliver = Outlet.deliver
    tasks = set[asyncio.Task[None]]()

    async def late(own: Outlet, records: Any) -> None:
        await asyncio.sleep(LATE)
        await deliver(own, records)

    async def begun(own: Outlet, records: Any) -> None:
        tasks.add(asyncio.create_task(late(own, records)))

    _put(Outlet, "deliver", begun)


def does_not_wait_for_its_turn() -> None:
    """Commands for one stream do not queue up behind each other; with it goes an append that looks at no version."""

    async def perform_one(running: Running, command: Any, cause: Any, *, idempotency: Any = None) -> Any:
        answer, stream_id = asyncio.get_running_loop().create_future(), running.handler.stream_of(command)
        waiting = performing._Waiting(Issued(command, cause), stream_id, idempotency, answer)
        await performing._settle(running, stream_id, [waiting])
        return await answer

    _put(performing, "perform_one", perform_one)


def swallows_what_a_handler_raises() -> None:
    """A handler that raises at some events has a caller that swallows it: they count as applied."""
    made = reacting.reacting

    def wrong(handler: Any, react: Callable[[Any], Sequence[Any]]) -> Any:
        def raising(event: Any) -> Sequence[Any]:
            if not zlib.crc32(event.to_json().encode()) % ONE_IN:
                raise RuntimeError("a bug")
            return react(event)

        def swallowing(event: Any) -> Sequence[Any]:
            try:
                return raising(event)
            except RuntimeError:
                return []

        return made(handler, swallowing)

    _put(reacting, "reacting", wrong)


def looks_at_no_predecessor() -> None:
    """Whatever is newer than the last event heard is the next one, and beats tell nothing."""

    def judge(last: Position, word: Word) -> Verdict:
        return deaf_to_beats(last, word) if isinstance(word, Beat) else unchained(last, word)

    _put(channel, "judge", judge)


def sends_again_what_has_no_outcome() -> None:
    """A message whose sender has died is sent once more."""
    from services.notification import delivery

    async def again(own: delivery.Delivery) -> None:
        abandoned = await own.running.pool.fetch(_ABANDONED)
        if abandoned:
            contacts = await own._reveal([row["customer_id"] for row in abandoned])
            await asyncio.gather(*(own._send(row, contacts[row["customer_id"]]) for row in abandoned))

    _put(delivery.Delivery, "_give_up", again)
    soon_dead = (delivery.PATIENCE, timedelta(seconds=1))  # in the order of Delivery's fields with presets
    _put(delivery.Delivery.__init__, "__defaults__", soon_dead)


def gives_a_point_too_much() -> None:
    """Every receipt that earns is worth a point more than its terms say."""
    from services.loyalty_points.earning import Earning

    exact = Earning.rounded
    _put(Earning, "rounded", lambda *known: exact(*known) + bool(exact(*known)))


def never_rests() -> None:
    """A part that looks again and again whether it has something to do, and waits for nothing."""
    fire = timers.timers

    async def busily(running: Running) -> None:
        looking = asyncio.create_task(_look(running))
        try:
            await fire(running)
        finally:
            looking.cancel()

    async def _look(running: Running) -> None:
        while not running.stop.is_set():
            await asyncio.sleep(0)

    _put(timers, "timers", busily)


def shows_receipts_twice() -> None:
    """A query of headquarters' adds up too much of what the view rightly holds."""
    from services.projection.views import summary

    _put(summary, "_RECEIPTS", summary._RECEIPTS.replace("sum(receipts)", "2 * sum(receipts)"))


def keeps_the_first_state() -> None:
    """What a stream's row keeps of a visit is what it was before anything happened."""
    from services.pos.visit import domain

    _put(domain, "evolve", lambda visit, _event: visit)


def _put(owner: Any, name: str, bug: Any) -> None:
    setattr(owner, name, bug)


_ABANDONED = """
SELECT message_id, customer_id, template, correlation, causation, traceparent FROM outbox
WHERE claimed_until < clock_timestamp()
"""

BUGS: dict[str, Callable[[], None]] = {
    plant.__name__.replace("_", "-"): plant
    for plant in (
        answers_before_the_commit,
        moves_the_fence_in_another_transaction,
        moves_the_cursor_before_the_acknowledgements,
        does_not_wait_for_its_turn,
        swallows_what_a_handler_raises,
        looks_at_no_predecessor,
        sends_again_what_has_no_outcome,
        gives_a_point_too_much,
        never_rests,
        shows_receipts_twice,
        keeps_the_first_state,
    )
}
