"""Acts of a customer's earn: that she brought somebody, came to an event, told others, answered. Pure; whole points."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.loyalty_points import PointsAwarded
from services.loyalty_points import lifetime
from services.loyalty_points.domain.forgiving import Reason
from services.loyalty_points.domain.lots import lot_id
from services.loyalty_points.domain.page import Ledger, Page
from services.loyalty_points.earning import Name
from services.loyalty_points.terms import PRESET, Terms
from shared.errors import Rejected
from shared.message import Command

ActId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$", max_length=64)]


class AwardPoints(Command):
    """Give the points of an act, once for its id; `on` is the local day of the branch, `zone` its IANA time zone.

    `under` is the id that the act was told of, where that was given up for this one.
    """

    customer_id: UUID
    under: UUID | None = None
    act: Name
    act_id: ActId
    reason: Reason
    branch: str
    zone: str
    on: date
    terms: Terms = PRESET  # these five brought by guards.gather: the policy of the time,
    policy_version: int = 0
    is_known: bool = False  # whether the act has earned,
    had: int = 0  # how many of its kind have within the period of its limit,
    ledger: Ledger | None = None  # and the holds that have lapsed


def award(command: AwardPoints, page: Page) -> None:
    """Let the act earn; told twice earns once, and more often than its limit is refused."""
    act = command.terms.acts.get(command.act)
    if command.is_known:
        return
    if act is None:
        raise Rejected("act-unknown", act=command.act)
    if act.limit and command.had >= act.limit.times:
        raise Rejected("award-limit-reached", act=command.act, times=act.limit.times, per=act.limit.per)
    source = f"act/{command.act}/{command.act_id}"
    repaid = min(page.account.debt, act.points)
    page.tell(
        PointsAwarded(
            at=command.at,
            customer_id=command.customer_id,
            act=command.act,
            act_id=command.act_id,
            reason=command.reason,
            branch=command.branch,
            on=command.on,
            points=act.points,
            repaid=repaid,
            balance=0,
            debt=page.account.debt - repaid,
            policy_version=command.policy_version,
            lot_id=lot_id(command.under or command.customer_id, source),
            source=source,
            active_from=lifetime.active_from(command.on, command.zone, command.terms.pending_days),
            expires_at=lifetime.expires_at(command.on, command.zone, command.terms.expiry),
            origin=command.under,
        )
    )
