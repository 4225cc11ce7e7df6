"""Staff let a debt go, with a reason; more than one person may alone waits for a second one. Pure.

What was let go without a second person in the last days counts together: many small ones are no way round the limit.
A request lapses by time alone; what is approved is at most what is owed at that moment.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.loyalty_points import DebtForgiven
from services.loyalty_points.desk_terms import PRESET, DeskTerms
from services.loyalty_points.domain.events import ForgivenessAsked, ForgivenessDeclined
from services.loyalty_points.domain.page import Ledger, Page, checked
from shared.errors import Rejected
from shared.message import Command

FORGIVEN, DECLINED, LAPSED = "forgiven", "declined", "lapsed"

Reason = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]


@dataclass(frozen=True)
class Forgiving:
    """What was asked or let go under an id before; one that was let go at once had nobody to wait for."""

    points: int
    reason: str
    asked_by: str | None = None
    until: datetime | None = None
    how: str | None = None


class ForgiveDebt(Command):
    """Let a debt go, or a part of it. The reason is a code: a sentence might name somebody."""

    customer_id: UUID
    forgiveness_id: UUID
    points: int
    reason: Reason
    person: str | None = None  # whose token it is
    known: Forgiving | None = None  # brought by guards.gather, here and below,
    terms: DeskTerms = PRESET
    forgiven_alone: int = 0  # in the last days,
    ledger: Ledger | None = None  # and the holds that have lapsed


class ApproveForgiveness(Command):
    """A second person lets the debt go, too."""

    customer_id: UUID
    forgiveness_id: UUID
    person: str | None = None
    known: Forgiving | None = None
    ledger: Ledger | None = None


class DeclineForgiveness(Command):
    """Somebody does not let it go: a second person, or the first one who thinks better of it."""

    customer_id: UUID
    forgiveness_id: UUID
    person: str | None = None
    known: Forgiving | None = None
    ledger: Ledger | None = None


def forgive(command: ForgiveDebt, page: Page) -> None:
    """Take points off the debt, or ask for a second person; refuse more than is owed. The same again says nothing."""
    points = checked(command.points)
    if known := command.known:
        if (known.points, known.reason) == (points, command.reason):
            return
        raise Rejected("forgiveness-differs", forgiveness_id=command.forgiveness_id)
    if points > page.account.debt:
        raise Rejected("more-than-owed", debt=page.account.debt, asked=points)
    if command.forgiven_alone + points <= command.terms.forgiven_alone:
        _let_go(command.forgiveness_id, points, command.reason, page)
        return
    page.tell(
        ForgivenessAsked(
            at=command.at,
            customer_id=command.customer_id,
            forgiveness_id=command.forgiveness_id,
            points=points,
            reason=command.reason,
            asked_by=_named(command.person),
            until=page.now + timedelta(days=command.terms.asked_days),
        )
    )


def approve(command: ApproveForgiveness, page: Page) -> None:
    """Take what was asked off the debt, at most what is owed now; the same again says nothing."""
    known = _asked(command.known)
    if known.how == FORGIVEN:
        return
    _still_waits(known, page)
    if _named(command.person) == known.asked_by:
        raise Rejected("second-person-is-the-first")
    if not page.account.debt:
        raise Rejected("nothing-owed")
    _let_go(command.forgiveness_id, min(known.points, page.account.debt), known.reason, page)


def decline(command: DeclineForgiveness, page: Page) -> None:
    """End a request; the same again says nothing."""
    known = _asked(command.known)
    if known.how != DECLINED:
        _still_waits(known, page)
        page.tell(
            ForgivenessDeclined(
                at=command.at,
                customer_id=command.customer_id,
                forgiveness_id=command.forgiveness_id,
                declined_by=_named(command.person),
            )
        )


def _let_go(forgiveness_id: UUID, points: int, reason: str, page: Page) -> None:
    page.tell(
        DebtForgiven(
            at=page.at,
            customer_id=page.customer_id,
            forgiveness_id=forgiveness_id,
            points=points,
            reason=reason,
            balance=0,
            debt=page.account.debt - points,
        )
    )


def _asked(known: Forgiving | None) -> Forgiving:
    if known is None or known.until is None:
        raise Rejected("forgiveness-unknown")
    return known


def _still_waits(known: Forgiving, page: Page) -> None:
    if known.how:
        raise Rejected("forgiveness-ended", how=known.how)
    if known.until and known.until <= page.now:
        raise Rejected("forgiveness-ended", how=LAPSED)


def _named(person: str | None) -> str:
    """Return who it is; of somebody without a name nobody knows whether it is another one."""
    if not person:
        raise Rejected("person-unnamed")
    return person
