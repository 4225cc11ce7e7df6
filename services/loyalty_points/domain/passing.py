"""An account as it stood, where others became a part of it or went back: their lots with all that made them. Pure.

What came with a merge counts here from that merge on, and no more there; so does what is heard later of a receipt of
before it. What goes back with a split is what was left then.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.loyalty_points.domain.events import AccountGivenBack, AccountTakenIn
from services.loyalty_points.domain.hindsight import Hindsight, Posting
from services.loyalty_points.domain.known import Known, happened_at
from shared.replacing import replace

NOTHING_STAYED = 1_000_000  # of a lot that is known here for what it was: any part of it says whose it is
_LIFETIME = ("earned", "taken_back", "redeemed", "forgiven")


def seen(told: Sequence[Known], who: UUID | None = None) -> Hindsight:
    """Return the postings of `who`, of whom and of whoever was one with her all is told, in the order of the books."""
    books: dict[UUID | None, Hindsight] = defaultdict(Hindsight)
    for known in told:
        own = books[known.of or who]
        match known.event:
            case AccountTakenIn(given_up=given_up):
                _take_in(own, books[given_up], given_up, known)
            case AccountGivenBack(restored=restored):
                _give_back(own, books[restored], known.event, known)
            case _:
                own.enter(known)
    return books[who]


def _take_in(mine: Hindsight, theirs: Hindsight, given_up: UUID, by: Known) -> None:
    at, total = happened_at(by.event), _total(theirs)
    mine.merged_at |= dict.fromkeys((given_up, *theirs.merged_at), at)
    for lot_id, lot in theirs.lots.items():
        moved = replace(lot, origin=lot.origin or given_up)
        mine.lots[lot_id] = min(moved, mine.lots.get(lot_id, moved), key=lambda part: part.stayed)
        mine.earnings[lot_id] = theirs.earnings[lot_id]
        mine.on_lots[lot_id] += _since(at, theirs.on_lots[lot_id], by)
        theirs.on_lots[lot_id] += _closing(at, theirs.on_lots[lot_id], by)
    for figure, postings in list(theirs.by_figure.items()):
        mine.by_figure[figure] += _since(at, postings, by)
        postings.extend(_closing(at, postings, by))
    mine.owed.extend((max(at, owed_at), points) for owed_at, points in theirs.owed)
    mine.debt, theirs.debt = mine.debt + theirs.debt, 0
    theirs.owed.clear()
    _say("merged", at, total, mine, theirs, by)


def _give_back(mine: Hindsight, theirs: Hindsight, event: AccountGivenBack, by: Known) -> None:
    at, account = happened_at(event), event.account
    ids = {event.restored, *(one.customer_id for one in account.others)}
    back = [lot_id for lot_id, lot in mine.lots.items() if lot.origin in ids]
    drawn_on = {one.lot_id for name in ("reserved", "redeemed") for one in mine.by_figure[name] if not one.moved_by}
    for lot_id in back:
        lot, earning = mine.lots[lot_id], mine.earnings[lot_id]
        left = sum(one.points for one in mine.on_lots[lot_id])
        mine.on_lots[lot_id].append(Posting(at, -left, earning, lot_id, moved_by=by))
        theirs.on_lots[lot_id].append(Posting(at, left, earning, lot_id, moved_by=by))
        theirs.lots[lot_id] = replace(lot, origin=None if lot.origin == event.restored else lot.origin)
        stayed = lot.stayed + 1 if lot_id in drawn_on else NOTHING_STAYED
        theirs.earnings[lot_id], mine.lots[lot_id] = earning, replace(lot, origin=None, stayed=stayed)
    before = _total(theirs)
    holds = {hold.hold_id for hold in account.holds}
    held = [one for one in mine.by_figure["reserved"] if one.hold_id in holds]
    _pass("reserved", _since(at, held, by), mine, theirs)
    for figure in _LIFETIME:
        if points := getattr(account, figure):
            _pass(figure, [Posting(at, points, by, moved_by=by)], mine, theirs)
    for settled_at, points in mine.settled(at, account.debt):
        _pass("debt", [Posting(max(at, settled_at), points, by, moved_by=by)], mine, theirs)
    mine.debt, theirs.debt = mine.debt - account.debt, account.debt
    if account.debt:
        theirs.owed.append((at, account.debt))
    theirs.merged_at |= {who: mine.merged_at[who] for who in ids - {event.restored}}
    for who in ids:
        del mine.merged_at[who]
    lots = sum(one.points for lot_id in back for one in theirs.on_lots[lot_id] if one.moved_by is by)
    _say("split", at, lots + _total(theirs) - before, theirs, mine, by)


def _total(account: Hindsight) -> int:
    """Return what an account's lots hold, what time has taken of it included, with what is held, less what it owes."""
    lots = sum(one.points for postings in account.on_lots.values() for one in postings)
    return lots + sum(one.points for one in account.by_figure["reserved"]) - account.debt


def _since(at: datetime, postings: Sequence[Posting], by: Known) -> list[Posting]:
    return [replace(one, at=max(at, one.at), moved_by=by) for one in postings]


def _closing(at: datetime, postings: Sequence[Posting], by: Known) -> list[Posting]:
    """Return what makes nothing of postings, by lot and hold."""
    sums: Counter[tuple[UUID | None, UUID | None]] = Counter()
    for one in postings:
        sums[one.lot_id, one.hold_id] += one.points
    return [Posting(at, -points, by, *of, moved_by=by) for of, points in sums.items() if points]


def _pass(figure: str, postings: Sequence[Posting], mine: Hindsight, theirs: Hindsight) -> None:
    theirs.by_figure[figure] += postings
    mine.by_figure[figure] += (replace(one, points=-one.points) for one in postings)


def _say(kind: str, at: datetime, points: int, to: Hindsight, of: Hindsight, by: Known) -> None:
    to.passed.append((kind, Posting(at, points, by)))
    of.passed.append((kind, Posting(at, -points, by)))
