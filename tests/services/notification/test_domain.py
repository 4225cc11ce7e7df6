"""One message, sentence by sentence."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.membership import MembershipStarted
from contracts.notification import MessageFailed, MessageOutcomeUnknown, MessageSent
from services.notification import domain
from services.notification.domain import (
    ClaimMessage,
    DropMessage,
    MessageClaimed,
    MessagePlanned,
    PlanMessage,
    RecordFailed,
    RecordSent,
    RecordUnknown,
    message_id,
)
from services.notification.reactions import react
from tests.scenario import Scenario
from tests.services.stories import FIRST_DAY, joining, sale

MEI = UUID("00000000-0000-5000-8000-0000000000aa")
WELCOME = message_id(f"welcome/{MEI}")
UNTIL = FIRST_DAY + timedelta(minutes=1)
OF_MEI: dict[str, Any] = {"at": FIRST_DAY, "message_id": WELCOME, "customer_id": MEI, "template": "welcome"}

MESSAGES = Scenario(domain)
PLANNED = MessagePlanned(**OF_MEI)
CLAIM = ClaimMessage(at=FIRST_DAY, message_id=WELCOME, until=UNTIL)
CLAIMED = MessageClaimed(at=FIRST_DAY, message_id=WELCOME, until=UNTIL)
SENT = MessageSent(**OF_MEI, channel="sandbox", receipt="7")
FAILED = MessageFailed(**OF_MEI, code="refused-by-provider")
UNKNOWN = MessageOutcomeUnknown(**OF_MEI, channel="sandbox")
RECORD_SENT = RecordSent(at=FIRST_DAY, message_id=WELCOME, channel="sandbox", receipt="7")
RECORD_FAILED = RecordFailed(at=FIRST_DAY, message_id=WELCOME, code="refused-by-provider")
RECORD_UNKNOWN = RecordUnknown(at=FIRST_DAY, message_id=WELCOME, channel="sandbox")
DROP = DropMessage(at=FIRST_DAY, message_id=WELCOME, code="no-address")


def heard_after(hours: float) -> PlanMessage:
    at = FIRST_DAY - timedelta(hours=hours)
    return PlanMessage(at=at, message_id=WELCOME, customer_id=MEI, template="welcome", heard_at=FIRST_DAY)


def test_who_joins_is_welcomed() -> None:
    MESSAGES.when(heard_after(0)).then(PLANNED)


def test_who_joined_72_hours_ago_is_welcomed_still_and_not_after() -> None:
    MESSAGES.when(heard_after(72)).then(PLANNED)
    MESSAGES.when(heard_after(72.001)).then()


def test_a_till_whose_clock_is_ahead_is_no_reason_not_to() -> None:
    MESSAGES.when(heard_after(-20)).then(PLANNED)


def test_a_joining_told_twice_is_welcomed_once() -> None:
    for before in ((PLANNED,), (PLANNED, CLAIMED), (PLANNED, CLAIMED, SENT), (PLANNED, CLAIMED, UNKNOWN)):
        MESSAGES.given(*before).when(heard_after(0)).then()


def test_a_planned_message_is_claimed_once() -> None:
    MESSAGES.given(PLANNED).when(CLAIM).then(CLAIMED)
    for before in ((), (PLANNED, CLAIMED), (PLANNED, CLAIMED, SENT), (PLANNED, CLAIMED, UNKNOWN), (PLANNED, FAILED)):
        MESSAGES.given(*before).when(CLAIM).then()


def test_a_claimed_message_has_one_of_three_outcomes() -> None:
    claimed = MESSAGES.given(PLANNED, CLAIMED)
    claimed.when(RECORD_SENT).then(SENT)
    claimed.when(RECORD_FAILED).then(FAILED)
    claimed.when(RECORD_UNKNOWN).then(UNKNOWN)


def test_an_unknown_outcome_may_come_to_be_known() -> None:
    unknown = MESSAGES.given(PLANNED, CLAIMED, UNKNOWN)
    unknown.when(RECORD_SENT).then(SENT)
    unknown.when(RECORD_FAILED).then(FAILED)
    unknown.when(RECORD_UNKNOWN).then()


def test_a_known_outcome_is_final() -> None:
    for known in (SENT, FAILED):
        for outcome in (RECORD_SENT, RECORD_FAILED, RECORD_UNKNOWN, DROP):
            MESSAGES.given(PLANNED, CLAIMED, known).when(outcome).then()


def test_nothing_comes_of_a_message_that_nobody_has_claimed() -> None:
    for before in ((), (PLANNED,)):
        for outcome in (RECORD_SENT, RECORD_FAILED, RECORD_UNKNOWN):
            MESSAGES.given(*before).when(outcome).rejected("message-not-claimed")


def test_who_cannot_be_reached_is_not_and_a_claimed_message_is_not_dropped() -> None:
    MESSAGES.given(PLANNED).when(DROP).then(MessageFailed(**OF_MEI, code="no-address"))
    MESSAGES.given(PLANNED, CLAIMED).when(DROP).then()


def test_the_welcome_of_a_customer_is_one_message_by_whichever_receipt_she_joins() -> None:
    for number in ("1", "2"):
        news = joining(sale(number, (MEI, 50_000)), MEI)
        assert isinstance(news, MembershipStarted)
        assert react(news) == [PlanMessage(at=news.at, message_id=WELCOME, customer_id=MEI, template="welcome")]
