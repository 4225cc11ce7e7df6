"""What time alone will have done to holds by an instant, whether or not it has been told. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contracts.loyalty_points import HoldReleased, PointsHeld, PointsRedeemed, PointsSpentOffline
from services.loyalty_points.domain.account import Account
from services.loyalty_points.domain.events import AccountEvent
from services.loyalty_points.domain.folding import evolve
from services.loyalty_points.domain.known import Known
from services.loyalty_points.domain.page import KnownHold, Ledger, Page
from services.loyalty_points.domain.spending import lapse
from shared.replacing import replace


def with_lapses(told: Sequence[Known], at: datetime, who: UUID | None = None) -> list[Known]:
    """Return what is known of an account, and the holds of `who` that lapse by an instant; these have no id."""
    account, held = Account(), dict[UUID, KnownHold]()
    for known in told:
        if known.of in (None, who):
            account = evolve(account, known.event)
        _hold(held, known.event)
    open_ones = {hold.hold_id for hold in account.holds}
    still = tuple(one for one in held.values() if one.left and one.hold_id in open_ones)
    if not still:
        return list(told)
    page = Page(who or next(iter(told)).event.customer_id, at, account, Ledger(at, (), still))
    lapse(page)
    return [*told, *(Known(event) for event in page.events)]


def _hold(held: dict[UUID, KnownHold], event: AccountEvent) -> None:
    match event:
        case PointsHeld():
            held[event.hold_id] = KnownHold(event.hold_id, event.points, event.at, event.until, event.lots)
        case HoldReleased(hold_id=hold_id) | PointsRedeemed(hold_id=hold_id) if hold_id:
            held.pop(hold_id, None)
        case PointsSpentOffline(allowances=uses):
            for use in uses:
                if one := held.get(use.hold_id):
                    held[use.hold_id] = replace(one, captured=one.captured + use.points)
