"""What moves in the ledger's dictionaries when two customers are one, or two again: worked out lot by lot."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from contracts.loyalty_points import LotPoints
from services.loyalty_points.domain import (
    Account,
    AccountCommand,
    GiveBackAccount,
    GiveUpAccount,
    KnownHold,
    RestoreAccount,
    Share,
    TakeInAccount,
)
from services.loyalty_points.domain.events import AccountGivenBack, AccountGivenUp
from services.loyalty_points.domain.identity import under
from services.loyalty_points.domain.lots import Lot, split
from services.loyalty_points.domain.totals import Active, Waiting, summed, summed_waiting

if TYPE_CHECKING:
    from tests.services.loyalty_points.books import Books
    from tests.services.loyalty_points.rows import Rows

COLUMNS = ("points", "repaid", "drawn", "taken_back", "expired")


@dataclass
class Merge:
    """What an account passed on to another, and what went back."""

    given: Account
    given_back: Account | None = None


def brought(books: "Books", command: AccountCommand) -> dict[str, Any]:
    match command:
        case GiveUpAccount(merge_id=merge_id):
            return {"is_known": merge_id in books.merges}
        case TakeInAccount(merge_id=merge_id):
            merge = books.merges.get(merge_id)
            return {"given": merge.given if merge and merge.given_back is None else None}
        case GiveBackAccount():
            return {"share": _share(books, command)}
        case RestoreAccount(customer_id=who):
            standing = books.accounts.get(who, Account()).merge_id
            merge = books.merges.get(standing) if standing else None
            return {"given_back": merge.given_back if merge else None}
    return {}


def _share(books: "Books", command: GiveBackAccount) -> Share:
    who = command.customer_id
    others = books.accounts.get(who, Account()).others
    ids = frozenset({command.restored, *(one.customer_id for one in under(others, command.restored))})
    lots = [lot for lot in books.lots.get(who, {}).values() if lot.origin in ids]
    receipts = [receipt for (of, _), receipt in books.receipts.items() if of in ids]
    earned = sum(sum(receipt.earned.values()) for receipt in receipts)
    spent = [h for (of, _), h in books.holds.items() if of in ids and h.ended == "captured" and not _is_allowance(h)]
    pending = [lot for lot in lots if lot.is_pending(books.now)]
    return Share(
        ids=ids,
        active=summed(Active(lot.expires_at, lot.rest) for lot in lots if lot not in pending),
        pending=summed_waiting(
            Waiting(lot.active_from, lot.expires_at, lot.rest) for lot in pending if lot.active_from
        ),
        holds=frozenset(name for (of, name), hold in books.holds.items() if of in ids and hold.ended is None),
        earned=earned,
        taken_back=earned - sum(receipt.kept for receipt in receipts),
        redeemed=sum(hold.captured for hold in spent),
        expired=sum(lot.expired for lot in lots),
    )


def keep(rows: "Rows", event: AccountGivenUp | AccountGivenBack) -> None:
    match event:
        case AccountGivenUp(customer_id=who):
            rows.merges[event.merge_id] = Merge(event.account)
            _move(rows, who, rows.whose(event.into))
        case AccountGivenBack(customer_id=who, restored=restored):
            rows.merges[event.merge_id].given_back = event.account
            _return(rows, who, restored, {restored, *(one.customer_id for one in event.account.others)})


def _move(rows: "Rows", who: UUID, to: UUID) -> None:
    theirs = rows.lots.setdefault(to, {})
    for lot in rows.lots.pop(who, {}).values():
        moved = replace(lot, origin=None if lot.origin == to else lot.origin or who)
        part = theirs.pop(lot.lot_id, None)
        theirs[lot.lot_id] = added(*sorted((moved, part), key=lambda one: one.stayed)) if part else moved


def _return(rows: "Rows", who: UUID, to: UUID, ids: set[UUID]) -> None:
    left = rows.lots.get(who, {})
    back = {lot_id: lot for lot_id, lot in left.items() if lot.origin in ids}
    for lot_id in back:
        del left[lot_id]
    theirs = rows.lots.setdefault(to, {})
    stay = _drawn(hold for (of, _), hold in rows.holds.items() if of not in ids and rows.whose(of) == who)
    go = _drawn(hold for (of, _), hold in rows.holds.items() if of in ids)
    for lot_id, lot in back.items():
        theirs[lot_id], part = _divided(lot, stay[lot_id])
        theirs[lot_id] = replace(theirs[lot_id], origin=None if lot.origin == to else lot.origin)
        if part:
            left[lot_id] = part
    for lot_id in left.keys() & go.keys() - back.keys():
        left[lot_id], part = _divided(left[lot_id], go[lot_id])
        if part:
            theirs[lot_id] = part


def _drawn(holds: Iterable[KnownHold]) -> Counter[UUID]:
    drawn: Counter[UUID] = Counter()
    for part in (part for hold in holds for part in _still_drawn(hold)):
        drawn[part.lot_id] += part.points
    return drawn


def _divided(lot: Lot, drawn: int) -> tuple[Lot, Lot | None]:
    if not drawn:
        return lot, None
    part = replace(lot, points=drawn, drawn=drawn, repaid=0, taken_back=0, expired=0, origin=None)
    return replace(lot, points=lot.points - drawn, drawn=lot.drawn - drawn), replace(part, stayed=lot.stayed + 1)


def added(lot: Lot, other: Lot) -> Lot:
    return replace(lot, **{name: getattr(lot, name) + getattr(other, name) for name in COLUMNS})


def _still_drawn(hold: KnownHold) -> Iterator[LotPoints]:
    if hold.ended is None:
        yield from hold.left_lots if _is_allowance(hold) else hold.lots
    elif hold.ended == "captured" and not _is_allowance(hold):
        yield from split(hold.lots, hold.captured)[0]


def _is_allowance(hold: KnownHold) -> bool:
    return hold.till is not None and hold.until is not None
