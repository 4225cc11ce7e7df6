"""Which receipts and lots the rules of commands are about. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from services.loyalty_points.domain import (
    AccountCommand,
    AllowPoints,
    CountReceipt,
    CountRefund,
    CountSpending,
    ExpirePoints,
    HoldPoints,
    HoldReward,
    NoteBirthdayMonth,
    NoteTier,
    RecountReceipts,
    RedeemPoints,
    RedeemReward,
    SettleReceipts,
    StartEarning,
    TakeInAccount,
)
from services.loyalty_points.domain.lots import lot_id
from services.loyalty_points.guards.lots import Late, Wanted
from services.loyalty_points.guards.receipts import Asked
from services.loyalty_points.guards.traits import Heard, looked_at, named
from services.loyalty_points.periods import FIRST, LAST, Period, days_of
from services.loyalty_points.receipt import Receipt, Settled, costs
from shared.policy import Policies

DAY = timedelta(days=1)


def receipts(
    commands: Sequence[AccountCommand], dated: Policies, heard: Mapping[int, Heard]
) -> Iterator[tuple[int, Asked]]:
    """Yield by place which receipts a command is about, with those that share a cap with one that it may change."""
    periods = {bonus.cap.per for one in dated.versions for bonus in one.terms.earning.caps}
    looked = looked_at(dated)
    for place, command in enumerate(commands):
        who = command.customer_id
        match command:
            case CountReceipt() if periods:
                yield place, Asked(who, command.sale_id, None, *_around(periods, command.on, command.on), command.under)
            case CountReceipt() | CountRefund():
                yield place, Asked(who, command.sale_id, under=command.under)
            case StartEarning():
                yield place, _from_joining(command, periods)
            case SettleReceipts(since=since):
                yield place, Asked(who, None, None, *_around(periods, since.date(), LAST))
            case RecountReceipts():
                yield place, Asked(who, from_order="")
            case NoteTier() | NoteBirthdayMonth() if not heard[place].is_known and named(command)[0] in looked:
                until = heard[place].until
                last = min(until.date(), LAST) if until else LAST
                yield place, Asked(who, None, None, *_around(periods, command.at.date(), last))


def _from_joining(command: StartEarning, periods: Iterable[Period]) -> Asked:
    """Return the receipts from the joining one on, and those before it that have used a cap of theirs."""
    if any(periods):
        return Asked(command.customer_id, None, None, *_around(periods, command.at.date(), LAST))
    return Asked(command.customer_id, from_order=command.joined_order)


def _around(periods: Iterable[Period], first: date, last: date) -> tuple[datetime, datetime]:
    """Return the time of all periods that days are in, and some more: what is day here is another elsewhere."""
    kinds: list[Period] = [*periods, "day"]
    begins = min(days_of(period, _within(first - DAY))[0] for period in kinds)
    ends = max(days_of(period, _within(last + DAY))[1] for period in kinds)
    return _midnight(begins - DAY), _midnight(ends + 2 * DAY)


def _within(on: date) -> date:
    return min(max(on, FIRST), LAST)


def _midnight(on: date) -> datetime:
    return datetime.combine(_within(on), time(), UTC)


class Lots(NamedTuple):
    """Lots by customer and id, what others shall give now or gave long ago, and whose are over."""

    named: set[tuple[UUID, UUID]]
    wanted: list[Wanted]
    late: list[Late]
    over: list[UUID]

    def take(self, who: UUID, receipts: Sequence[Receipt], points: int | None = None) -> None:
        """Ask for the receipts' own lots, and others that give so many points: all that the receipts keep, at most."""
        self.named.update((who, lot_id(one.origin or who, source)) for one in receipts for source in one.sources)
        most = sum(one.kept for one in receipts) if points is None else points
        self.wanted.append(Wanted(who, most, from_pending=True))


def lots(informed: Sequence[AccountCommand], held: Iterable[tuple[UUID, UUID]]) -> Lots:
    """Return which lots the rules need beside those that are held."""
    asked = Lots(set(held), [], [], [])
    for command in informed:
        who = command.customer_id
        match command:
            case RedeemReward(offer=offer) | HoldReward(offer=offer):
                asked.wanted.append(Wanted(who, offer.described.points if offer else 0, from_pending=False))
            case CountSpending():
                asked.late.append(Late(who, command.points, command.at))
            case HoldPoints() | RedeemPoints() | AllowPoints():
                asked.wanted.append(Wanted(who, command.points, from_pending=False))
            case ExpirePoints():
                asked.over.append(who)
            case TakeInAccount():
                asked.wanted.append(Wanted(who, command.debts, from_pending=True))
            case _:
                _take(command, asked)
    return asked


def _take(command: AccountCommand, asked: Lots) -> None:
    if isinstance(command, SettleReceipts):  # any of them may turn out to earn nothing
        asked.take(command.customer_id, [one for one in command.receipts if one.sold_at >= command.since and one.lots])
    elif taking := [one for one in _settled(command) if one.kept < one.receipt.kept]:
        asked.take(command.customer_id, [one.receipt for one in taking], costs(taking))


def _settled(command: AccountCommand) -> Sequence[Settled]:
    match command:
        case CountRefund(receipt=receipt) if receipt:
            return [command.settled(receipt)]
        case CountReceipt(others=others) if others and not command.is_known:
            return command.settled()
        case StartEarning(waiting=waiting) if any(receipt.earned for receipt in waiting):
            return command.settled()
        case NoteTier() | NoteBirthdayMonth() | RecountReceipts():
            return command.settled()  # all of them may earn, as far as is known here
        case _:
            return ()
