"""What the points ledger's rules must know beside the account, and what moves with its entries. Now is Postgres's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty_points.domain import (
    AccountCommand,
    AwardPoints,
    CountReceipt,
    CountRefund,
    GiveBackAccount,
    GiveUpAccount,
    KnownHold,
    LapseHold,
    Ledger,
    NoteBirthdayMonth,
    NoteTier,
    NoticeExpiry,
    RecountReceipts,
    RestoreAccount,
    SettleReceipts,
    StartEarning,
    TakeInAccount,
)
from services.loyalty_points.domain.lots import Lot
from services.loyalty_points.guards import (
    asking,
    awards,
    expiries,
    forgivings,
    holds,
    identities,
    lots,
    merges,
    receipts,
    traits,
    wishes,
)
from services.loyalty_points.receipt import Receipt
from services.loyalty_points.reward import guards as rewards
from services.loyalty_points.terms import Terms
from shared.message import Command, Envelope
from shared.policy import Policies, policies
from shared.postgres import Tx
from shared.replacing import replace

MOST_LOTS = 500  # in one expiry

Holds = Mapping[int, dict[UUID, KnownHold]]
_OF_RECEIPTS = (CountReceipt, CountRefund, StartEarning, NoteTier, NoteBirthdayMonth, RecountReceipts, SettleReceipts)
_PASSING = (GiveUpAccount, TakeInAccount, GiveBackAccount, RestoreAccount)


async def gather(tx: Tx, commands: Sequence[AccountCommand], /) -> Sequence[Command]:
    """Bring receipts with their policy and traits, holds, and just enough lots."""
    now, found_holds = await holds.known(tx, commands)
    informed = await _informed(tx, commands, now)
    found_lots = await _lots(tx, informed, now, found_holds)
    ledgers: list[Command] = []
    for place, command in enumerate(informed):
        # a timer's command is never handled before its own time, whatever the clocks say
        at = max(now, command.at) if isinstance(command, LapseHold) else now
        own = found_lots.get(command.customer_id, {})
        ledger = Ledger(at, tuple(own.values()), tuple(found_holds.get(place, {}).values()))
        ledgers.append(command.model_copy(update={"ledger": ledger}))
    return ledgers


async def _informed(tx: Tx, commands: Sequence[AccountCommand], now: datetime) -> Sequence[AccountCommand]:
    """Return the commands with all that they must know but lots and holds."""
    due = await expiries.due(tx, {place: c for place, c in enumerate(commands) if isinstance(c, NoticeExpiry)})
    known = await awards.known(tx, {place: c for place, c in enumerate(commands) if isinstance(c, AwardPoints)})
    known = {**known, **await wishes.brought(tx, commands, now)}
    if any(isinstance(c, _PASSING) for c in commands):
        known = {**known, **await merges.brought(tx, commands, now)}
    if any(isinstance(c, _OF_RECEIPTS) for c in commands):
        known = {**known, **await _of_receipts(tx, commands)}
    informed: list[AccountCommand] = []
    for place, command in enumerate(commands):
        brought = {"is_due": place in due} if isinstance(command, NoticeExpiry) else known.get(place)
        informed.append(command.model_copy(update=brought) if brought else command)
    return informed


async def _of_receipts(tx: Tx, commands: Sequence[AccountCommand]) -> Mapping[int, dict[str, Any]]:
    """Return by place what commands about receipts and traits must know of them and of the policy."""
    dated = await policies(tx, Terms)
    heard = await traits.heard(tx, {place: c for place, c in enumerate(commands) if isinstance(c, traits.Noting)})
    found = await receipts.known(tx, dict(asking.receipts(commands, dated, heard)), dated)
    sales = {place: c for place, c in enumerate(commands) if isinstance(c, CountReceipt)}
    whose = await _as_whom(tx, sales, dated)
    known: dict[int, dict[str, Any]] = {}
    for place, command in enumerate(commands):
        own = found.get(place, [])
        match command:
            case CountReceipt():
                known[place] = _of_receipt(command, own, dated) | whose[place]
            case CountRefund():
                known[place] = {"receipt": own[0] if own else None}
            case StartEarning():
                known[place] = {"waiting": tuple(own)}
            case NoteTier() | NoteBirthdayMonth():
                known[place] = {**heard[place]._asdict(), "receipts": tuple(own)}
            case SettleReceipts():
                known[place] = {"receipts": tuple(own)}
            case RecountReceipts():
                known[place] = _recounted(command, own, dated)
    return known


async def _as_whom(tx: Tx, sales: Mapping[int, CountReceipt], dated: Policies) -> Mapping[int, dict[str, Any]]:
    """Return by place as whom she earns by a receipt, and what holds of that one then."""
    whole = await identities.known(tx, (c.customer_id for c in sales.values() if c.under))
    earners = {
        place: identities.earner(whole.get(c.customer_id), c.customer_id, c.under or c.customer_id, c.at)
        for place, c in sales.items()
    }
    moments = {place: (earners[place] or c.customer_id, c.at) for place, c in sales.items()}
    held = await traits.in_force(tx, moments.values(), traits.looked_at(dated))
    return {place: {"earner": earners[place], **held[moments[place]]._asdict()} for place in sales}


def _recounted(command: RecountReceipts, found: Sequence[Receipt], dated: Policies) -> dict[str, Any]:
    version = dated.numbered(command.version)
    others = frozenset(
        (one.origin, one.sale_id)
        for one in found
        if dated.at(one.sold_at).version == version.version != one.policy_version
    )
    now = {"terms": version.terms, "policy_version": version.version}
    receipts_now = tuple(replace(one, **now) if (one.origin, one.sale_id) in others else one for one in found)
    return {"receipts": receipts_now, "recounted": others}


def _of_receipt(command: CountReceipt, found: Sequence[Receipt], dated: Policies) -> dict[str, Any]:
    holding = dated.at(command.at)
    return {
        "terms": holding.terms,
        "policy_version": holding.version,
        "is_known": any((one.origin, one.sale_id) == (command.under, command.sale_id) for one in found),
        "others": tuple(receipt for receipt in found if receipt.earned),
    }


async def _lots(
    tx: Tx, informed: Sequence[AccountCommand], now: datetime, found_holds: Holds
) -> Mapping[UUID, dict[UUID, Lot]]:
    """Return lots by customer: those of the holds, those that are taken back, and those that may be drawn on."""
    held = (
        (command.customer_id, part.lot_id)
        for place, command in enumerate(informed)
        for hold in found_holds.get(place, {}).values()
        for part in hold.lots
    )
    asked = asking.lots(informed, held)
    rows = await lots.to_draw(tx, asked.wanted, now)
    rows += await lots.to_spend_late(tx, asked.late, now)
    rows += await lots.to_expire(tx, asked.over, now, MOST_LOTS)
    return lots.by_customer([*rows, *await lots.named(tx, asked.named)])


async def guard(tx: Tx, events: Sequence[Envelope], /) -> None:
    """Keep the tables as the events leave them."""
    told = [e.event for e in events]
    await traits.keep(tx, told)
    await receipts.keep(tx, events)
    await lots.keep(tx, events)
    await holds.keep(tx, told)
    await rewards.keep(tx, told)
    await forgivings.keep(tx, told)
    await expiries.keep(tx, told)
    await awards.keep(tx, told)
    await merges.keep(tx, told)
