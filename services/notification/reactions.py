"""What others' news makes notification do: greet who joined. Pure."""

from contracts.membership import MembershipStarted
from services.notification.domain import WELCOME, PlanMessage, message_id

HEARD = (MembershipStarted,)


def react(event: MembershipStarted) -> list[PlanMessage]:
    """Return the plan of a welcome: one a customer, however often and from wherever she joins."""
    return [
        PlanMessage(
            at=event.at,
            message_id=message_id(f"{WELCOME}/{event.customer_id}"),
            customer_id=event.customer_id,
            template=WELCOME,
        )
    ]
