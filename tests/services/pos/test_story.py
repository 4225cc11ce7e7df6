"""Whatever tills send, in whatever order, however often and in whatever pieces: the books are right."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.pos import SaleRecorded, SaleRefunded, TillGapClosed, TillGapOpened
from shared.message import Event
from shared.running import Running
from tests.services.pos.conftest import open_shop
from tests.services.pos.shop import Answered, Item, Shop, check_in, refund, sale
from tests.services.pos.test_sale import AT, given_back, recorded

RECEIPTS = st.sampled_from(["1", "2", "3"])
NETS = st.lists(st.integers(-20_00, 60_00), min_size=1, max_size=2)
BACKS = st.lists(st.tuples(st.integers(1, 2), st.integers(1, 40_00)), min_size=1, max_size=2)
SALES = st.builds(lambda receipt, nets: sale(0, receipt, *nets), RECEIPTS, NETS)
REFUNDS = st.builds(lambda receipt, backs: refund(0, receipt, *backs), RECEIPTS, BACKS)
TORN = st.just({"seq": 0, "type": "sale", "data": {}})
HAPPENINGS = st.one_of(SALES, SALES, REFUNDS, REFUNDS, st.builds(check_in, st.just(0)), TORN)


@dataclass(frozen=True)
class Story:
    """What happened at a till, by number, and how it was sent: batches, some by two connections at once."""

    batches: Sequence[Sequence[Item]]
    twice: Sequence[bool]

    @property
    def come(self) -> set[int]:
        return {item["seq"] for batch in self.batches for item in batch}


@st.composite
def stories(draw: st.DrawFn) -> Story:
    happened = draw(st.lists(HAPPENINGS, min_size=1, max_size=14))
    numbered = [item | {"seq": n} for n, item in enumerate(happened, start=1)]
    if draw(st.booleans()):  # a till that was set up anew counts from 1 again
        numbered += [item | {"seq": n} for n, item in enumerate(draw(st.lists(HAPPENINGS, max_size=3)), start=1)]
    sent = draw(st.lists(st.sampled_from(numbered), min_size=1, max_size=2 * len(numbered)))
    batches = []
    while sent:
        size = draw(st.integers(1, len(sent)))
        batches.append(sent[:size])
        sent = sent[size:]
    return Story(batches, draw(st.lists(st.booleans(), min_size=len(batches), max_size=len(batches))))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stories())
async def test_whatever_tills_send_the_books_are_right(running: Running, story: Story) -> None:
    async with open_shop(running) as shop:
        for batch, twice in zip(story.batches, story.twice, strict=True):
            await asyncio.gather(*(shop.send(*batch) for _ in range(2 if twice else 1)))
        told = await shop.told()
        receipts_are_recorded_once_and_given_back_at_most_once_over(told)
        just_the_missing_numbers_are_missing(told, (await shop.till())["missing"], story.come)
        await _told_again_nothing_happens(shop, story)


async def _told_again_nothing_happens(shop: Shop, story: Story) -> None:
    said = await shop.told()
    answers: list[list[Answered]] = [await shop.send(*batch) for batch in story.batches]
    assert [await shop.send(*batch) for batch in story.batches] == answers
    assert {outcome for batch in answers for outcome, _ in batch} <= {"duplicate", "parked"}
    assert await shop.told() == said


def receipts_are_recorded_once_and_given_back_at_most_once_over(told: Sequence[Event]) -> None:
    sales = [e for e in told if isinstance(e, SaleRecorded)]
    by_number = {e.number: e for e in sales}
    assert len(by_number) == len(sales)
    back: dict[str, Counter[int]] = defaultdict(Counter)
    for event in (e for e in told if isinstance(e, SaleRefunded)):
        for line in event.lines:
            back[event.number][line.line] += line.refunded_minor
    for number, lines in back.items():
        nets = {line.line: line.net_minor for line in by_number[number].lines}
        assert all(amount <= nets[line] for line, amount in lines.items())
        assert lines.total() <= by_number[number].net_minor


def just_the_missing_numbers_are_missing(told: Sequence[Event], missing: list[list[int]], come: set[int]) -> None:
    left = {seq for first, last in missing for seq in range(first, last + 1)}
    assert left == set(range(1, max(come) + 1)) - come
    opened = [(e.first, e.last) for e in told if isinstance(e, TillGapOpened)]
    closed = [(e.first, e.last) for e in told if isinstance(e, TillGapClosed)]
    assert len(set(opened)) == len(opened)
    assert sorted(gap for gap in opened if not left & set(range(gap[0], gap[1] + 1))) == sorted(closed)


GAP: dict[str, Any] = {"at": AT, "branch": "TOR1", "till": "TOR1-1", "first": 2, "last": 3}
OPENED, CLOSED = TillGapOpened(**GAP), TillGapClosed(**GAP)


@pytest.mark.parametrize(
    "told",
    [
        [recorded(50_00), recorded(50_00)],
        [recorded(50_00), given_back((1, 30_00, 20_00)), given_back((1, 30_00, 20_00))],
        [recorded(50_00, -10_00), given_back((1, 45_00, 5_00))],
    ],
    ids=["recorded twice", "beyond the line", "beyond the receipt"],
)
def test_books_that_are_wrong_are_seen(told: list[Event]) -> None:
    with pytest.raises(AssertionError):
        receipts_are_recorded_once_and_given_back_at_most_once_over(told)


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ([OPENED], [[2, 2]]),
        ([OPENED], []),
        ([OPENED, CLOSED], [[2, 3]]),
        ([OPENED, OPENED], [[2, 3]]),
        ([CLOSED], [[2, 3]]),
    ],
    ids=["one forgotten", "all forgotten", "closed too early", "opened twice", "never opened"],
)
def test_gaps_that_are_wrong_are_seen(told: list[Event], missing: list[list[int]]) -> None:
    just_the_missing_numbers_are_missing([OPENED], [[2, 3]], {1, 4})
    with pytest.raises(AssertionError):
        just_the_missing_numbers_are_missing(told, missing, {1, 4})
