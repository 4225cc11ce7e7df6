"""The state of the machine as the page tells it: from the services' own status, and from their silence."""

from typing import Any

import orjson
import pytest

from services.projection.page import machine
from services.projection.page.machine import ASKED, Machine, Part, Status, part_of
from shared.running import Running
from shared.status import collect
from tests.services.projection.news import RECORDED

QUIET: dict[str, Any] = {
    "service": "pos",
    "feed": {"epoch": 1, "number": 9, "relayed": 9, "unrelayed": 0, "oldest_unrelayed_seconds": 0},
    "consumers": [],
    "timers": {"overdue": 0},
    "views": {"behind": 0, "live": True},
    "refused": 0,
}
CALM = {"lag_events": 0, "lag_seconds": 0.0, "parked": [], "halted": False, "set_aside": 0}
KEY = {"key": "k1", "since": RECORDED.isoformat(), "cause": "ContractBroken", "waiting": 3}


def _part(**consumer: Any) -> Part:
    heard = {"consumer": "membership", "topic": "t.pos.events"} | CALM | consumer
    return part_of("membership", Status.model_validate(QUIET | {"consumers": [heard]}))


def _machine(*parts: Part) -> Machine:
    return Machine(RECORDED, parts)


@pytest.mark.parametrize(
    ("consumer", "state", "is_good", "age"),
    [
        ({}, "good", True, 0),
        ({"lag_events": 40, "lag_seconds": 0.4}, "good", True, 0.4),
        ({"lag_events": 900, "lag_seconds": 9.0}, "behind", False, 9.0),
        ({"halted": True}, "halted", False, 0),
        ({"parked": [KEY]}, "good", False, 0),
        ({"set_aside": 1}, "good", False, 0),
        ({"lag_events": None, "lag_seconds": None}, "good", True, None),
    ],
)
def test_a_service_is_judged_by_what_it_says(
    consumer: dict[str, Any], state: str, is_good: bool, age: float | None
) -> None:
    part = _part(**consumer)
    assert (part.state, part.is_good, part.age) == (state, is_good, age)


def test_figures_are_as_old_as_the_oldest_event_on_the_way() -> None:
    untold = part_of("pos", Status.model_validate(QUIET | {"feed": {"unrelayed": 7, "oldest_unrelayed_seconds": 6.5}}))
    told = _machine(untold, _part(lag_events=2, lag_seconds=1.5))
    assert (untold.state, told.behind_seconds, told.on_their_way) == ("behind", 6.5, 9)


def test_what_a_rebase_found_lost_is_counted() -> None:
    assert part_of("pos", Status.model_validate(QUIET | {"feed": {"lost": 3}})).lost == 3


def test_the_age_is_unknown_where_one_on_the_way_is_silent_or_does_not_know() -> None:
    assert _machine(_part(), Part("pos", "unreachable")).behind_seconds is None
    assert _machine(_part(lag_seconds=None)).behind_seconds is None
    assert _machine(_part(halted=True)).stands_still


def test_a_key_that_waits_is_named_with_its_place_and_since_when() -> None:
    (key,) = _machine(_part(parked=[KEY])).parked
    assert (key.consumer, key.topic, key.key, key.since, key.waiting) == (
        "membership",
        "t.pos.events",
        "k1",
        RECORDED,
        3,
    )


async def test_a_service_that_does_not_answer_is_unreachable_and_the_others_are_told(served: Running) -> None:
    told = await machine.read(served)
    assert {part.name: part.state for part in told.parts} == dict.fromkeys(ASKED, "unreachable") | {
        "projection": "good"
    }
    assert told.behind_seconds is None


async def test_the_status_that_the_kernel_gives_is_understood(headquarters: Running) -> None:
    body = orjson.dumps(await collect(headquarters), default=str)
    assert part_of("projection", Status.model_validate_json(body)).is_good
