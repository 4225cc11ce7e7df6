"""What entries do to what is owed to customers: points that lots still hold, by branch and month of earning. Pure.

Held points are outstanding until they are spent; so are those whose time is over, until it is told that they expired.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from contracts.loyalty_points import (
    HoldReleased,
    LotPoints,
    PointsAwarded,
    PointsEarned,
    PointsExpired,
    PointsHeld,
    PointsMerged,
    PointsRedeemed,
    PointsSpentOffline,
    PointsTakenBack,
    RedemptionReversed,
)
from shared.message import Event


class Moved(NamedTuple):
    """What an entry adds to the points of a branch's month, of which what is `held` is outstanding too."""

    branch: str
    month: date
    earned: int = 0
    repaid: int = 0
    taken_back: int = 0
    redeemed: int = 0
    expired: int = 0
    held: int = 0


class Owed(NamedTuple):
    """Points that were earned at one branch and spent at another: the first owes them to the other one."""

    payer: str
    payee: str
    month: date
    points: int


def moved(event: Event) -> Iterator[Moved]:
    """Yield what an entry adds."""
    match event:
        case PointsEarned() | PointsAwarded():
            yield Moved(event.branch, month_of(event.on), earned=event.points, repaid=event.repaid)
        case PointsTakenBack():
            yield from _of(event.lots, taken_back=1)
            yield Moved(event.branch, month_of(event.on), taken_back=event.from_expired, expired=-event.from_expired)
        case PointsHeld():
            yield from _of(event.lots, held=1)
        case PointsExpired():
            yield from _of(event.lots, expired=1)
        case HoldReleased():
            yield from _of(event.lots, held=-1)
            yield from _of(event.repaid, repaid=1)
        case PointsMerged():
            yield from _of(event.repaid, repaid=1)
        case PointsRedeemed() | RedemptionReversed() | PointsSpentOffline():
            yield from _spent(event)


def _spent(event: PointsRedeemed | RedemptionReversed | PointsSpentOffline) -> Iterator[Moved]:
    match event:
        case PointsRedeemed():
            yield from _of(event.lots, redeemed=1, held=-1 if event.hold_id else 0)
            yield from _of(event.returned, held=-1)
            yield from _of(event.repaid, repaid=1)
        case RedemptionReversed():
            yield from _of(event.lots, redeemed=-1)
            yield from _of(event.repaid, repaid=1)
        case PointsSpentOffline():
            yield from _of((part for use in event.allowances for part in use.lots), redeemed=1, held=-1)
            yield from _of(event.lots, redeemed=1)
            yield from _of(event.from_expired, redeemed=1, expired=-1)


def owed(event: Event) -> Iterator[Owed]:
    """Yield what branches owe each other by an entry, in the month (UTC) in which the points were spent."""
    match event:
        case PointsRedeemed(branch=branch, lots=lots) if branch:
            yield from _between(lots, branch, event)
        case PointsSpentOffline(branch=branch):
            yield from _between(event.spent_lots(), branch, event)
        case RedemptionReversed(branch=branch, lots=lots) if branch:
            yield from (one._replace(points=-one.points) for one in _between(lots, branch, event))


def _between(lots: Iterable[LotPoints], branch: str, event: Event) -> Iterator[Owed]:
    month = month_of(event.at.date())
    yield from (Owed(lot.branch, branch, month, lot.points) for lot in lots if lot.branch != branch)


def month_of(on: date) -> date:
    """Return the first day of a day's month."""
    return on.replace(day=1)


def _of(lots: Iterable[LotPoints], **signs: int) -> Iterator[Moved]:
    for lot in lots:
        yield Moved(lot.branch, month_of(lot.on), **{name: sign * lot.points for name, sign in signs.items()})
