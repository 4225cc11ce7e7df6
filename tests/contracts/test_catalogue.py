"""The catalogue names who says what and who listens, and sees a service that says something else than its contract."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from branchline.contracts.catalogue import catalogue, differences, houses, listeners
from branchline.contracts.told import spoken, unlisted
from contracts import loyalty_points, notification, pos
from shared.http import Route
from shared.message import Envelope
from shared.postgres import Tx
from shared.service import Heard, Hearing, Service, ViewSet

TOLD = tuple(spoken())
GATEWAY = houses()["notification"][1]
(MESSAGES,) = GATEWAY.aggregates
TILLS = Service("pos", says=pos.EVENTS)
POINTS = Service("points", hears=(Hearing("pos", (pos.SaleRecorded,), lambda _event: []),))


async def show(_tx: Tx, _events: Sequence[Envelope]) -> None:
    """Show nothing."""


PAGE = Service("page", views=ViewSet(Path("x.sql"), show, (Heard("pos", pos.EVENTS),)))


def test_who_reacts_and_who_shows_are_both_listeners() -> None:
    heard = listeners(TOLD, [TILLS, POINTS, PAGE])
    assert heard["pos.SaleRecorded.v1"] == ["page", "points"]
    assert heard["pos.SaleRefunded.v1"] == ["page"]


def test_the_page_has_each_event_with_its_news_and_its_listeners() -> None:
    package = ModuleType("pos", "The tills' service.")
    page = catalogue(TOLD, listeners(TOLD, [TILLS, POINTS]), {"pos": (package, TILLS)})
    assert "## pos\n\nThe tills' service.\n" in page
    assert "| SaleRecorded.v1 | A receipt was closed. | points |" in page
    assert "| VisitCheckedIn.v1 | Somebody came in. | – |" in page


def test_the_page_has_each_route_with_the_roles_that_may_call_it() -> None:
    door = Service("door", routes=(Route("GET", "/v1/rooms", show, frozenset({"staff", "headquarters"})),))
    page = catalogue((), {}, {"door": (ModuleType("door", "A door."), door)})
    assert "| GET /v1/rooms | headquarters, staff |" in page
    assert "| GET /health/live | no token asked |" in page


def test_a_service_that_says_other_things_than_its_contract_is_seen() -> None:
    said = (*notification.EVENTS[1:], pos.TillFlagged)
    mute = Service("notification", says=said, aggregates=(replace(MESSAGES, events=(*MESSAGES.events, *said)),))
    assert differences(TOLD, [mute]) == [
        "notification does not say MessageSent, which contracts list",
        "notification says TillFlagged, which contracts do not list",
    ]


def test_an_event_that_the_rules_know_and_the_aggregate_does_not_is_seen_before_it_is_stored() -> None:
    forgetful = replace(MESSAGES, events=notification.EVENTS[1:])
    assert differences(TOLD, [replace(GATEWAY, aggregates=(forgetful,))]) == [
        "notification says MessageSent, and no aggregate has it",
        "notification's rules of message know MessageClaimed, and the aggregate's events do not",
        "notification's rules of message know MessagePlanned, and the aggregate's events do not",
        "notification's rules of message know MessageSent, and the aggregate's events do not",
    ]


def test_an_event_that_its_module_forgets_to_list_is_seen() -> None:
    module = ModuleType(notification.__name__)
    vars(module).update(vars(notification) | {"EVENTS": notification.EVENTS[1:]})
    assert unlisted([pos, module]) == ["contracts.notification has MessageSent, which its EVENTS leaves out"]


def test_an_event_that_a_part_of_a_speakers_package_has_and_the_package_forgets_is_seen() -> None:
    package = ModuleType(loyalty_points.__name__)
    vars(package).update(vars(loyalty_points) | {"EVENTS": loyalty_points.EVENTS[1:]})
    told = ["contracts.loyalty_points.ledger has PointsEarned, which its EVENTS leaves out"]
    assert unlisted([loyalty_points]) == [] and unlisted([package]) == told


def test_every_service_of_the_house_is_found() -> None:
    assert {"pos", "membership", "loyalty-points", "notification", "projection"} <= houses().keys()
