"""A command and what follows from it on another stream are done in one transaction, or nothing of them is."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import pytest

from shared.errors import Rejected
from shared.idempotency import Idempotency, KeyReused
from shared.message import Cause, Command, Event
from shared.performing import perform_one
from shared.running import Running
from shared.whole import perform_whole
from tests.shared.toy import COUNTER, Add, Added, Take, at

CAUSE = Cause("test", "test")


def taking_from(counter: UUID) -> Callable[[Sequence[Event]], list[Command]]:
    """Return what takes from a counter whatever is added to another."""

    def follow(told: Sequence[Event]) -> list[Command]:
        return [Take(counter_id=counter, amount=e.amount, at=e.at) for e in told if isinstance(e, Added)]

    return follow


async def total(running: Running, counter: UUID) -> int:
    async with running.pool.acquire() as tx:
        _, state = await running.handler.state(tx, COUNTER.category, counter)
    return int(state.total)


async def filled(running: Running, amount: int) -> UUID:
    counter = uuid4()
    await perform_one(running, Add(counter_id=counter, amount=amount, at=at(0)), CAUSE)
    return counter


async def test_of_twenty_who_move_one_of_seven_seven_do_and_nothing_of_the_others_stays(toy: Running) -> None:
    source, goal = await filled(toy, 7), await filled(toy, 1)

    async def move() -> str:
        try:
            await perform_whole(toy, Add(counter_id=goal, amount=1, at=at(1)), taking_from(source), CAUSE)
        except Rejected as refusal:
            return refusal.code
        return "moved"

    assert Counter(await asyncio.gather(*(move() for _ in range(20)))) == {"moved": 7, "not-enough": 13}
    assert (await total(toy, source), await total(toy, goal)) == (0, 8)


async def test_what_nothing_follows_from_is_done_alone(toy: Running) -> None:
    counter = await filled(toy, 7)
    outcome = await perform_whole(toy, Take(counter_id=counter, amount=2, at=at(1)), taking_from(counter), CAUSE)
    assert (outcome.version, await total(toy, counter)) == (2, 5)


async def test_a_key_is_good_for_the_whole_and_for_its_refusal(toy: Running) -> None:
    source, goal, key = await filled(toy, 1), uuid4(), Idempotency(uuid4(), b"body")
    move = Add(counter_id=goal, amount=1, at=at(1))

    async def again(key: Idempotency) -> bool:
        return (await perform_whole(toy, move, taking_from(source), CAUSE, idempotency=key)).replayed

    assert sorted(await asyncio.gather(*(again(key) for _ in range(5)))) == [False, True, True, True, True]
    assert (await total(toy, source), await total(toy, goal)) == (0, 1)
    with pytest.raises(KeyReused):
        await again(Idempotency(key.id, b"another body"))
    other = Idempotency(uuid4(), b"body")
    with pytest.raises(Rejected, match="not-enough"):
        await again(other)
    await perform_one(toy, Add(counter_id=source, amount=1, at=at(2)), CAUSE)
    with pytest.raises(Rejected, match="not-enough"):
        await again(other)
    assert (await total(toy, source), await total(toy, goal)) == (1, 1)
