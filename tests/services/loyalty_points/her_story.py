"""What happens to one customer in a year, chapter by chapter; each goes on from the one before.

Until the end of June a dollar is a point (policy 1), from July on it is two (policy 2); what is left when the year is
over expires. Days and hours are Toronto's, amounts minor units.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from contracts.loyalty_points import RewardKind
from contracts.membership import CustomersMerged, CustomersSplit
from services.loyalty_points import domain
from services.loyalty_points.domain import (
    Account,
    AccountCommand,
    CountReceipt,
    CountRefund,
    ExpirePoints,
    NoticeExpiry,
    RedeemPoints,
    RedeemReward,
)
from services.loyalty_points.domain.known import Known
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.reward.offer import Description, reward_id
from services.loyalty_points.standing import standing
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books, News
from tests.services.loyalty_points.spending import MEI
from tests.services.stories import customer, joining, refund, sale

TORONTO = ZoneInfo("America/Toronto")
POLICY_1, POLICY_2 = (1, Terms(points_per_unit="1")), (2, Terms(points_per_unit="2"))


def day(month: int, day: int, hour: int = 14, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=TORONTO)


YEAR_IS_OVER = day(1, 1, 0, year=2027)
LATER = day(1, 5, year=2027)

COLOUR = sale("101", (MEI, 60_00), (MEI, 120_00), at=day(3, 2))
OFFLINE = sale("7", (MEI, 45_00), at=day(6, 29), branch="OTT1", till="OTT1-1")
NOT_HER_COLOUR = refund(COLOUR, (2, 120_00, 0), at=day(7, 6))
SHAMPOO = sale("160", (MEI, 30_00), at=day(8, 10))
CUT = sale("31", (MEI, 62_50), at=day(9, 5), branch="OTT1", till="OTT1-1")

AS_A_GUEST = customer(9)
PERM = sale("40", (AS_A_GUEST, 50_00), at=day(9, 20), branch="OTT1", till="OTT1-1")
TRIM = sale("41", (AS_A_GUEST, 10_00), at=day(9, 25), branch="OTT1", till="OTT1-1")
MERGE = CustomersMerged(at=day(10, 10), customer_id=AS_A_GUEST, into=MEI, merge_id=uuid5(MEI, "merge"))
SPLIT = CustomersSplit(
    at=day(11, 2), customer_id=AS_A_GUEST, merged_into=MEI, merge_id=MERGE.merge_id, merged_at=MERGE.at
)

MASSAGE = Description(title="Scalp massage", kind=RewardKind.SERVICE, points=150)


def by_the_policy_of_its_day(command: Any, account: Account) -> list[Any]:
    """Decide as the service does, which brings the policy that held when the receipt was made."""
    match command:
        case CountReceipt(at=at):
            version, terms = _policy(at)
            command = command.model_copy(update={"terms": terms, "policy_version": version})
        case CountRefund(receipt=Receipt() as receipt):
            version, terms = _policy(receipt.sold_at)
            command = command.model_copy(update={"receipt": replace(receipt, terms=terms, policy_version=version)})
    return domain.decide(command, account)


def _policy(at: datetime) -> tuple[int, Terms]:
    return POLICY_1 if at < day(7, 1, 0) else POLICY_2


@dataclass
class Her:
    """Her account so far, and all that was ever told of it, each with when it was recorded."""

    books: Books = field(default_factory=lambda: Books(decide=by_the_policy_of_its_day))
    told: list[Known] = field(default_factory=list)

    def hears(self, at: datetime, *news: News) -> "Her":
        self.books.now = at
        self.books.hear(news)
        return self._recorded()

    def does(self, command: AccountCommand) -> "Her":
        self.books.now = command.at
        self.books.handle(command)
        return self._recorded()

    def _recorded(self) -> "Her":
        new: list[tuple[UUID, Any]] = self.books.log[len(self.told) :]
        first = len(self.told) + 1
        for number, (who, event) in enumerate(new, first):
            of = None if who == MEI else who
            self.told.append(Known(event, f"account/{number}", self.books.now, of))
        return self

    @property
    def has(self) -> dict[str, int]:
        """Return what she can spend and what she owes."""
        stands = standing(self.books.accounts[MEI], self.books.now)
        return {"available": stands["available"], "debt": stands["debt"]}

    @property
    def last(self) -> Any:
        return self.told[-1].event


def massage(at: datetime) -> RedeemReward:
    named = uuid5(MEI, f"massage {at}")
    return RedeemReward(at=at, customer_id=MEI, redemption_id=named, reward_id=reward_id("massage"), branch="TOR1")


def at_the_desk(at: datetime, points: int) -> RedeemPoints:
    named = uuid5(MEI, f"desk {at}")
    return RedeemPoints(at=at, customer_id=MEI, redemption_id=named, points=points, branch="TOR1")


def notice(at: datetime, days: int) -> NoticeExpiry:
    return NoticeExpiry(at=at, customer_id=MEI, expires_at=YEAR_IS_OVER, days=days, is_due=True)


def spring() -> Her:
    return Her().hears(day(3, 2), joining(COLOUR, MEI), COLOUR)


def end_of_june() -> Her:
    her = spring()
    her.books.shelf.described["massage"] = MASSAGE
    return her.does(massage(day(6, 30)))


def ottawa_is_heard() -> Her:
    return end_of_june().hears(day(7, 3), OFFLINE)


def july() -> Her:
    return ottawa_is_heard().hears(day(7, 6), NOT_HER_COLOUR)


def august() -> Her:
    return july().hears(day(8, 10), SHAMPOO)


def september() -> Her:
    return august().hears(day(9, 5), CUT)


def october() -> Her:
    """In Ottawa she was taken for another one, who has joined in September and has spent 20 points."""
    her = september().hears(day(9, 20), joining(PERM, AS_A_GUEST), PERM)
    spent = RedeemPoints(
        at=day(9, 22), customer_id=AS_A_GUEST, redemption_id=uuid5(MEI, "as a guest"), points=20, branch="OTT1"
    )
    return her.does(spent).hears(day(10, 10), MERGE)


def ottawa_is_late_again() -> Her:
    return october().hears(day(10, 12), TRIM).does(at_the_desk(day(10, 20), 100))


def november() -> Her:
    return ottawa_is_late_again().hears(day(11, 2), SPLIT)


def december() -> Her:
    return september().does(notice(day(12, 2, 9), 30)).does(at_the_desk(day(12, 12), 100))


def year_end() -> Her:
    her = december().does(notice(day(12, 25, 9), 7))
    return her.does(ExpirePoints(at=YEAR_IS_OVER, customer_id=MEI))
