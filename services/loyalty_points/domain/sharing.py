"""Commands of one account that are gathered together: each later one knows what those before it did. Pure."""

from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

from contracts.loyalty_points import HoldReleased, PointsHeld, PointsRedeemed
from services.loyalty_points.domain.page import KnownHold, Ledger, move
from services.loyalty_points.domain.spending import CAPTURED, HoldPoints, RedeemPoints
from shared.message import Event
from shared.replacing import replace

Sharing: TypeAlias = RedeemPoints | HoldPoints
Shared: TypeAlias = PointsHeld | PointsRedeemed | HoldReleased  # what such a command can tell


def renewed(command: Sharing, before: Sharing, told: Sequence[Event]) -> Sharing:
    """Return a command that knows the ledger of the one before it, and what that told."""
    assert command.ledger
    assert before.ledger
    holds = {hold.hold_id: hold for hold in (*command.ledger.holds, *before.ledger.holds)}
    lots = {lot.lot_id: lot for lot in before.ledger.lots}
    for event in told:
        assert isinstance(event, Shared)
        move(lots, event)
        _turn(holds, event)
    ledger = Ledger(before.ledger.now, tuple(lots.values()), tuple(holds.values()))
    return command.model_copy(update={"ledger": ledger})


def _turn(holds: dict[UUID, KnownHold], event: Shared) -> None:
    match event:
        case PointsHeld():
            holds[event.hold_id] = KnownHold(event.hold_id, event.points, event.at, event.until, event.lots)
        case PointsRedeemed():
            own, points = event.redemption_id, event.points
            holds[own] = KnownHold(own, points, event.at, None, event.lots, CAPTURED, points, None, event.branch)
        case HoldReleased():
            holds[event.hold_id] = replace(holds[event.hold_id], ended=event.why.value)
