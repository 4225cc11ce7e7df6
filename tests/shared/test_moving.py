"""A stream that has moved on: what is asked of it lands where it has gone, at once, in its turn, or while it goes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.idempotency import Idempotency
from shared.message import Cause, Issued
from shared.performing import perform, perform_one
from shared.running import Running, finish, start
from shared.settings import Settings
from shared.store import lock
from tests.shared.boxes import BOX, BoxCommand, Empty, Fill, Put
from tests.shared.test_handling import waits_for_a_lock
from tests.shared.toy import TOY, at

CAUSE = Cause("test", "test")


@pytest.fixture(params=["guarded", "alone"])
async def boxes(provisioned: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    box = BOX if request.param == "guarded" else replace(BOX, guards=None)
    running = await start(replace(TOY, aggregates=(box,)), provisioned)
    yield running
    await finish(running)


@pytest.fixture
async def guarded(provisioned: Settings) -> AsyncIterator[Running]:
    running = await start(replace(TOY, aggregates=(BOX,)), provisioned)
    yield running
    await finish(running)


def put(box: UUID, amount: int) -> Put:
    return Put(at=at(0), box_id=box, amount=amount)


def emptied(box: UUID, into: UUID) -> list[BoxCommand]:
    return [Empty(at=at(1), box_id=box, into=into), Fill(at=at(1), box_id=into, out_of=box)]


async def act(boxes: Running, *commands: BoxCommand) -> list[UUID]:
    """Do them in one batch; return which streams they have written."""
    return [outcome.stream_id for outcome in await perform(boxes, [Issued(command, CAUSE) for command in commands])]


async def totals(boxes: Running, *ids: UUID) -> list[int]:
    async with boxes.pool.acquire() as tx:
        return [(await boxes.handler.state(tx, "box", box))[1].total for box in ids]


async def test_what_is_put_into_a_box_that_was_emptied_lands_in_the_other(boxes: Running) -> None:
    old, new = uuid4(), uuid4()
    await act(boxes, Empty(at=at(0), box_id=old, into=new))
    assert await act(boxes, put(old, 3)) == [new]
    outcome = await perform_one(boxes, put(old, 4), CAUSE, idempotency=Idempotency(uuid4(), b"body"))
    assert (outcome.stream_id, outcome.version) == (new, 2)
    assert await totals(boxes, old, new) == [0, 7]


async def test_a_chain_is_followed_to_its_end(boxes: Running) -> None:
    chain = [uuid4() for _ in range(4)]
    for box, into in zip(chain[-2::-1], chain[:0:-1], strict=True):  # the last first, so that none lands elsewhere
        await act(boxes, Empty(at=at(0), box_id=box, into=into))
    assert await act(boxes, put(chain[0], 5), put(chain[2], 1)) == [chain[3], chain[3]]
    await perform_one(boxes, put(chain[1], 1), CAUSE)
    assert await totals(boxes, *chain) == [0, 0, 0, 7]


async def test_what_is_about_the_move_reaches_the_stream_itself(boxes: Running) -> None:
    old, new, third = uuid4(), uuid4(), uuid4()
    await act(boxes, Empty(at=at(0), box_id=old, into=new))
    assert await act(boxes, Empty(at=at(1), box_id=old, into=third)) == [old]
    await act(boxes, put(old, 2))
    assert await totals(boxes, new, third) == [2, 0]


async def test_in_one_batch_each_is_done_after_what_was_asked_before_it(guarded: Running) -> None:
    old, new = uuid4(), uuid4()
    batch = (put(old, 1), put(new, 10), put(old, 2), *emptied(old, new), put(old, 4), put(new, 20), put(old, 8))
    assert await act(guarded, *batch) == [old, new, old, old, new, new, new, new]
    assert await totals(guarded, old, new) == [0, 45]


async def test_two_moves_in_one_batch_lose_nothing(guarded: Running) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    for order in ((first, second), (second, third)), ((second, third), (first, second)):
        ids = {box: uuid4() for box in (first, second, third)}
        batch: list[BoxCommand] = [put(ids[first], 1), put(ids[second], 2)]
        for old, new in order:
            batch += emptied(ids[old], ids[new])
        await act(guarded, *batch, put(ids[first], 4))
        assert await totals(guarded, *ids.values()) == [0, 0, 7]


@pytest.mark.parametrize("born", [False, True])
async def test_a_command_that_waits_while_the_stream_moves_goes_with_it(guarded: Running, born: bool) -> None:
    old, new = uuid4(), uuid4()
    await act(guarded, *([put(old, 1)] if born else []))
    async with guarded.pool.acquire() as tx, tx.transaction():
        await guarded.handler.handle(tx, [Issued(command, CAUSE) for command in emptied(old, new)])
        waiting = asyncio.create_task(perform_one(guarded, put(old, 3), CAUSE))
        await waits_for_a_lock(guarded)
    assert (await waiting).stream_id == new
    assert await totals(guarded, old, new) == [0, 4 if born else 3]


async def test_of_many_at_once_nothing_is_lost_while_a_stream_moves(guarded: Running) -> None:
    old, new = uuid4(), uuid4()
    puts = [perform_one(guarded, put(box, 1), CAUSE) for box in (old, new) * 20]
    move = perform(guarded, [Issued(command, CAUSE) for command in emptied(old, new)])
    await asyncio.gather(*puts[:20], move, *puts[20:])
    assert await totals(guarded, old, new) == [0, 40]


async def test_streams_that_move_on_to_each_other_are_a_bug_and_hang_nobody(boxes: Running) -> None:
    one, other = uuid4(), uuid4()
    await act(boxes, Empty(at=at(0), box_id=one, into=other), Empty(at=at(0), box_id=other, into=one))
    with pytest.raises(RuntimeError, match="move on to each other"):
        await act(boxes, put(one, 1))


async def test_nothing_more_is_asked_of_the_store_where_nothing_has_moved(
    guarded: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def counted(*what: Any) -> Any:
        asked.append(what)
        return await lock(*what)

    monkeypatch.setattr("shared.handling.lock", counted)
    await act(guarded, *(put(uuid4(), 1) for _ in range(5)))
    assert len(asked) == 1
