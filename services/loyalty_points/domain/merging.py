"""An account becomes a part of another, since both customers are one person; or it goes back. Pure; whole points.

Two streams move in one transaction, each by its own command: the first says what it passes on, the second takes just
that. Which lots move is determined, so that no event names them: all of one account, or all of an origin. Open holds
move with their lots and stay good. What one owes the other's points settle, as nobody owes who has points. A split
gives back what is left of those lots, and of the debt that came, what is still owed; what was spent stays spent, and
what is held or spent since the merge stays with the one who stays.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.loyalty_points import PointsMerged, PointsSplit
from services.loyalty_points.domain.account import FIGURES, Account
from services.loyalty_points.domain.events import AccountGivenBack, AccountGivenUp, AccountRestored, AccountTakenIn
from services.loyalty_points.domain.identity import Other, other_of, under
from services.loyalty_points.domain.lots import draw, drawable, total
from services.loyalty_points.domain.page import Ledger, Page
from services.loyalty_points.domain.settling import settle
from services.loyalty_points.domain.totals import Active, Waiting
from services.loyalty_points.receipt import Earns, Receipt, Settled, any_earns, settled
from shared.message import Command, Instant
from shared.replacing import replace


@dataclass(frozen=True)
class Share:
    """What the rows of some ids' receipts, lots and holds say of an account, as the tables stand."""

    ids: frozenset[UUID]
    active: tuple[Active, ...] = ()
    pending: tuple[Waiting, ...] = ()
    holds: frozenset[UUID] = frozenset()
    earned: int = 0
    taken_back: int = 0
    redeemed: int = 0
    expired: int = 0
    forgiven: int = 0


class GiveUpAccount(Command):
    """She is the same person as `into`: give the account up."""

    customer_id: UUID
    into: UUID
    merge_id: UUID
    is_known: bool = False  # brought by guards.gather: whether this merge has been heard,
    ledger: Ledger | None = None  # and the holds that have lapsed


class TakeInAccount(Command):
    """Take the account in that was given up for this one."""

    customer_id: UUID
    given_up: UUID
    into: UUID
    merge_id: UUID
    given: Account | None = None  # brought by guards.gather: what was passed on, unless it went back since,
    debts: int = 0  # what both owe,
    ledger: Ledger | None = None  # and lots to settle debts with


class GiveBackAccount(Command):
    """The merge was a mistake: give back what is left of what came with it.

    Without a `merge_id` it is the one by which `restored` was given up before `at`: nobody is given up for her then.
    """

    customer_id: UUID
    restored: UUID
    merge_id: UUID | None = None
    share: Share | None = None  # brought by guards.gather
    ledger: Ledger | None = None


class RestoreAccount(Command):
    """Take back the account that was given up, by that merge or by whichever stands; where it was given back."""

    customer_id: UUID
    merge_id: UUID | None = None
    given_back: Account | None = None  # brought by guards.gather: what was passed on
    ledger: Ledger | None = None


class SettleReceipts(Command):
    """Who she was when receipts were made has turned out otherwise, from `since` on."""

    customer_id: UUID
    since: Instant
    receipts: tuple[Receipt, ...] = ()  # brought by guards.gather: all from then on, and those that share a cap,
    ledger: Ledger | None = None  # and lots to take from

    def settled(self, earns: Earns = any_earns) -> list[Settled]:
        """Return what the receipts from then on should have earned."""
        first = min((one.order for one in self.receipts if one.sold_at >= self.since), default=None)
        return list(settled(self.receipts, first, earns)) if first else []


def give_up(command: GiveUpAccount, page: Page) -> None:
    """Pass on all that there is; told twice says nothing."""
    if not command.is_known:
        page.tell(
            AccountGivenUp(
                at=command.at,
                customer_id=command.customer_id,
                into=command.into,
                merge_id=command.merge_id,
                account=page.account,
            )
        )


def take_in(command: TakeInAccount, page: Page) -> None:
    """Take what was passed on, and let the points of one settle what the other owes."""
    given = command.given
    if given is None or _merge(page.account, command.merge_id):
        return
    page.tell(
        AccountTakenIn(
            at=command.at,
            customer_id=command.customer_id,
            given_up=command.given_up,
            into=command.into,
            merge_id=command.merge_id,
            account=given,
        )
    )
    repaid = draw(drawable(page.lots.values(), page.now), page.account.debt)
    page.tell(
        PointsMerged(
            at=command.at,
            customer_id=command.customer_id,
            given_up=command.given_up,
            merge_id=command.merge_id,
            points=_has(given, page.now),
            repaid=repaid,
            balance=0,
            debt=page.account.debt - total(repaid),
        )
    )


def give_back(command: GiveBackAccount, page: Page) -> None:
    """Pass on what is left of what came with a merge; of one that is not known, or was undone, nothing."""
    merge = _undone(command, page.account)
    if merge is None or command.share is None:
        return
    account = _left_of(command.share, merge, page, command.ledger)
    page.tell(
        AccountGivenBack(
            at=command.at,
            customer_id=command.customer_id,
            restored=command.restored,
            merge_id=merge.merge_id,
            account=account,
        )
    )
    _say(command, command.restored, merge.merge_id, account, page)


def restore(command: RestoreAccount, page: Page) -> None:
    """Take back what was passed on, where that merge is the one that stands."""
    given_back, into, merge_id = command.given_back, page.account.moved_to, page.account.merge_id
    if given_back is None or into is None or merge_id is None or command.merge_id not in (None, merge_id):
        return
    page.tell(AccountRestored(at=command.at, customer_id=command.customer_id, merge_id=merge_id, account=given_back))
    _say(command, into, merge_id, given_back, page)


def settle_receipts(command: SettleReceipts, page: Page) -> None:
    """Let each receipt earn as who she was then."""
    settle(command.settled(page.earns), page)


def _merge(account: Account, merge_id: UUID) -> Other | None:
    return next((one for one in account.others if one.merge_id == merge_id), None)


def _undone(command: GiveBackAccount, account: Account) -> Other | None:
    if command.merge_id:
        return _merge(account, command.merge_id)
    merge = other_of(account.others, command.restored)
    return merge if merge and merge.merged_at < command.at else None


def _left_of(share: Share, merge: Other, page: Page, ledger: Ledger | None) -> Account:
    """Return the account that goes back; holds that have lapsed on this page have given back to its lots."""
    before = {lot.lot_id: lot.rest for lot in ledger.lots} if ledger else {}
    back = [lot.part(lot.rest - before[lot.lot_id]) for lot in page.lots.values() if lot.origin in share.ids]
    figures = {name: getattr(share, name) for name in FIGURES if hasattr(share, name)}
    account = Account(
        joined_order=merge.joined_order,
        member_since=merge.member_since,
        active=share.active,
        pending=share.pending,
        holds=tuple(hold for hold in page.account.holds if hold.hold_id in share.holds),
        debt=min(merge.debt, page.account.debt),
        others=under(page.account.others, merge.customer_id),
        **figures,
    ).plus(back, page.now)
    return replace(account, moved=_owned(account) - _lived(account))


def _owned(account: Account) -> int:
    """Return what there is of an account, whatever its time."""
    waiting = sum(one.points for one in account.pending)
    return sum(one.points for one in account.active) + waiting + sum(h.points for h in account.holds) - account.debt


def _lived(account: Account) -> int:
    """Return what there should be, by what came and went."""
    return account.earned + account.forgiven - account.taken_back - account.redeemed - account.expired


def _has(account: Account, now: datetime) -> int:
    return account.available(now) + account.waiting(now) + account.reserved(now)


def _say(command: GiveBackAccount | RestoreAccount, other: UUID, merge_id: UUID, passed: Account, page: Page) -> None:
    page.tell(
        PointsSplit(
            at=command.at,
            customer_id=command.customer_id,
            other=other,
            merge_id=merge_id,
            points=_has(passed, page.now),
            balance=0,
            debt=page.account.debt,
        )
    )
