"""Staff let a debt go, with a reason. Pure."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.loyalty_points import DebtForgiven
from services.loyalty_points.domain.page import Ledger, Page, checked
from shared.errors import Rejected
from shared.message import Command

Reason = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]


class ForgiveDebt(Command):
    """Let a debt go, or a part of it. The reason is a code: a sentence might name somebody."""

    customer_id: UUID
    points: int
    reason: Reason
    ledger: Ledger | None = None  # brought by guards.gather: the holds that have lapsed


def forgive(command: ForgiveDebt, page: Page) -> None:
    """Take points off the debt; refuse more than is owed."""
    points = checked(command.points)
    if points > page.account.debt:
        raise Rejected("more-than-owed", debt=page.account.debt, asked=points)
    page.tell(
        DebtForgiven(
            at=command.at,
            customer_id=command.customer_id,
            points=points,
            reason=command.reason,
            balance=0,
            debt=page.account.debt - points,
        )
    )
