"""A tier that is heard late counts for the receipts of its own time: to the second, and for no others. By hand."""

from datetime import datetime, timedelta

from contracts.loyalty_points import PointsEarned, PointsTakenBack
from services.loyalty_points.domain import NoteTier, TierNoted
from services.loyalty_points.lifetime import Never
from services.loyalty_points.standing import stood
from services.loyalty_points.terms import Terms
from shared.message import Event
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.chronicle import known
from tests.services.loyalty_points.spending import DAY, FIRST, MEI, MONDAY, SECOND, THIRD
from tests.services.stories import joining

SECOND_LATER = timedelta(seconds=1)
DOUBLE_FOR_GOLD = Terms.model_validate({"expiry": Never(), "earning": {"by_tier": {"gold": "2"}}})


def three_days() -> Books:
    """Return the books of a member who had ten points on Monday, Tuesday and Wednesday, of no known tier."""
    books = Books(now=MONDAY + 5 * DAY, terms=DOUBLE_FOR_GOLD)
    return books.hear([FIRST, joining(FIRST, MEI), SECOND, THIRD])


def tier(at: datetime, name: str = "gold") -> NoteTier:
    return NoteTier(at=at, customer_id=MEI, tier=name)


def given(events: list[Event]) -> list[tuple[int, int]]:
    """Return of which day in March how many points were earned, or taken back."""
    told: list[tuple[int, int]] = []
    for event in events:
        if isinstance(event, PointsEarned):
            told.append((event.on.day, event.points))
        if isinstance(event, PointsTakenBack):
            told.append((event.on.day, -event.points))
    return told


def test_a_tier_counts_from_the_receipt_of_its_very_second_on() -> None:
    assert given(three_days().handle(tier(SECOND.at))) == [(3, 10), (4, 10)]
    assert given(three_days().handle(tier(SECOND.at + SECOND_LATER))) == [(4, 10)]
    assert given(three_days().handle(tier(THIRD.at + SECOND_LATER))) == []


def test_a_tier_that_is_heard_after_the_next_one_counts_until_that_began() -> None:
    for began_at, days in ((THIRD.at, [(3, 10)]), (THIRD.at + SECOND_LATER, [(3, 10), (4, 10)])):
        books = three_days()
        books.handle(tier(began_at, "ordinary"))
        assert given(books.handle(tier(SECOND.at))) == days


def test_a_tier_that_is_lost_takes_back_what_it_gave() -> None:
    books = three_days()
    books.handle(tier(MONDAY))
    assert books.accounts[MEI].available(books.now) == 60
    assert given(books.handle(tier(THIRD.at, "ordinary"))) == [(4, -10)]
    assert books.accounts[MEI].available(books.now) == 50


def test_receipts_before_the_joining_one_have_nothing_of_a_tier() -> None:
    books = Books(now=MONDAY + 5 * DAY, terms=DOUBLE_FOR_GOLD)
    books.hear([FIRST, SECOND, joining(SECOND, MEI), THIRD])
    assert given(books.handle(tier(MONDAY - DAY))) == [(3, 10), (4, 10)]


def test_a_tier_of_somebody_who_is_no_member_is_noted_and_gives_nothing() -> None:
    books = Books(now=MONDAY + 5 * DAY, terms=DOUBLE_FOR_GOLD).hear([FIRST])
    assert [type(event) for event in books.handle(tier(MONDAY - DAY))] == [TierNoted]


def test_a_tier_that_is_worth_nothing_more_changes_nothing_but_is_noted() -> None:
    assert [type(event) for event in three_days().handle(tier(MONDAY, "silver"))] == [TierNoted]


def test_what_a_tier_adds_stands_on_the_receipts_own_day() -> None:
    books = three_days()
    books.handle(tier(SECOND.at))
    told = known(books.entries[MEI], books)
    assert [stood(told, MONDAY + day * DAY)["available"] for day in range(3)] == [10, 30, 50]
