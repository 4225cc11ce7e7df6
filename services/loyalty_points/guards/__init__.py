"""What the points ledger's rules must know beside the account, and what moves with its entries. Now is Postgres's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty_points.domain import (
    AccountCommand,
    CountReceipt,
    CountRefund,
    ExpirePoints,
    HoldPoints,
    KnownHold,
    LapseHold,
    Ledger,
    NoteTier,
    NoticeExpiry,
    RedeemPoints,
    StartEarning,
)
from services.loyalty_points.domain.lots import Lot, lot_id
from services.loyalty_points.guards import expiries, holds, lots, receipts, tiers
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.terms import Terms
from shared.message import Command, Envelope
from shared.policy import policies
from shared.postgres import Tx

MOST_LOTS = 500  # in one expiry

Holds = Mapping[int, dict[UUID, KnownHold]]
Receipts = Mapping[int, list[Receipt]]


async def gather(tx: Tx, commands: Sequence[AccountCommand], /) -> Sequence[Command]:
    """Bring receipts, holds and just enough lots, and the policy of a receipt's time."""
    now, found_holds = await holds.known(tx, commands)
    about = (CountReceipt, CountRefund, StartEarning)
    found = await receipts.known(tx, {place: c for place, c in enumerate(commands) if isinstance(c, about)})
    found_lots = await _lots(tx, commands, now, found_holds, found)
    due = await expiries.due(tx, {place: c for place, c in enumerate(commands) if isinstance(c, NoticeExpiry)})
    told_tiers = await tiers.known(tx, {place: c for place, c in enumerate(commands) if isinstance(c, NoteTier)})
    dated = await policies(tx, Terms) if any(isinstance(c, CountReceipt) for c in commands) else None
    informed: list[Command] = []
    for place, command in enumerate(commands):
        # a timer's command is never handled before its own time, whatever the clocks say
        at = max(now, command.at) if isinstance(command, LapseHold) else now
        own = found_lots.get(command.customer_id, {})
        ledger = Ledger(at, tuple(own.values()), tuple(found_holds.get(place, {}).values()))
        brought: dict[str, Any] = {"ledger": ledger}
        match command:
            case CountReceipt() if dated:
                holding = dated.at(command.at)
                brought |= {"terms": holding.terms, "policy_version": holding.version, "is_known": place in found}
            case CountRefund():
                brought |= {"receipt": found[place][0] if place in found else None}
            case StartEarning():
                brought |= {"waiting": tuple(found.get(place, ()))}
            case NoteTier():
                brought |= {"is_known": place in told_tiers}
            case NoticeExpiry():
                brought |= {"is_due": place in due}
        informed.append(command.model_copy(update=brought))
    return informed


async def _lots(
    tx: Tx, commands: Sequence[AccountCommand], now: datetime, found_holds: Holds, found: Receipts
) -> Mapping[UUID, dict[UUID, Lot]]:
    """Return lots by customer: those of the holds, those that refunds are about, and those that may be drawn on."""
    asked = {
        (command.customer_id, part.lot_id)
        for place, command in enumerate(commands)
        for hold in found_holds.get(place, {}).values()
        for part in hold.lots
    }
    wanted: list[lots.Wanted] = []
    over: list[UUID] = []
    for place, command in enumerate(commands):
        match command:
            case CountRefund() if place in found:
                receipt = found[place][0]
                asked.add((command.customer_id, lot_id(command.customer_id, receipt.source)))
                wanted.append(lots.Wanted(command.customer_id, command.costs(receipt), from_pending=True))
            case HoldPoints() | RedeemPoints():
                wanted.append(lots.Wanted(command.customer_id, command.points, from_pending=False))
            case ExpirePoints():
                over.append(command.customer_id)
    rows = await lots.to_draw(tx, wanted, now)
    rows += await lots.to_expire(tx, over, now, MOST_LOTS)
    return lots.by_customer([*rows, *await lots.named(tx, asked)])


async def guard(tx: Tx, events: Sequence[Envelope], /) -> None:
    """Keep tiers, receipts, lots, holds and the instants of expiry as the events leave them."""
    told = [e.event for e in events]
    await tiers.keep(tx, told)
    await receipts.keep(tx, told)
    await lots.keep(tx, events)
    await holds.keep(tx, told)
    await expiries.keep(tx, told)
