"""A policy's versions hold from their instants, and none begins in the past."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared import policy
from shared.policy import ALWAYS, Policies, PolicyPublished, Published, PublishPolicy, Signature
from tests.scenario import Scenario

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
POLICY = Scenario(policy)


class Terms(BaseModel):
    model_config = ConfigDict(frozen=True)
    rate: int = 1


def published(number: int, holds_from: datetime, rate: int) -> PolicyPublished:
    return PolicyPublished(at=NOW, number=number, holds_from=holds_from, terms={"rate": rate})


FIRST = published(1, ALWAYS, 2)
SECOND = published(2, LATER, 3)


def publish(rate: int, holds_from: datetime | None = None) -> PublishPolicy:
    return PublishPolicy(at=NOW, terms={"rate": rate}, holds_from=holds_from)


def test_the_first_version_holds_from_the_beginning_of_time() -> None:
    POLICY.given().when(publish(2)).then(FIRST)
    POLICY.given().when(publish(2, NOW - timedelta(days=1))).then(FIRST)


def test_a_first_version_that_names_its_day_leaves_the_preset_until_then() -> None:
    later = published(1, LATER, 2)
    POLICY.given().when(publish(2, LATER)).then(later)
    in_force = [Policies(Published((later,)), Terms).at(moment) for moment in (NOW, LATER)]
    assert [(p.version, p.terms.rate) for p in in_force] == [(0, 1), (1, 2)]


def test_a_first_version_that_is_signed_corrects_no_more_than_from_the_day_it_names() -> None:
    signed = {"signature": Signature(reason="our-mistake", by=UUID(int=7))}
    order = publish(2, NOW - timedelta(days=1)).model_copy(update=signed)
    POLICY.given().when(order).then(published(1, NOW - timedelta(days=1), 2).model_copy(update=signed))


def test_the_same_terms_again_are_no_news() -> None:
    POLICY.given(FIRST).when(publish(2)).then()


def test_a_later_version_holds_from_the_day_it_names() -> None:
    POLICY.given(FIRST).when(publish(3, LATER)).then(SECOND)


def test_a_version_cannot_begin_in_the_past() -> None:
    POLICY.given(FIRST).when(publish(3, NOW - timedelta(seconds=1))).rejected("policy-starts-in-the-past")


def test_a_version_cannot_begin_before_the_last_one() -> None:
    POLICY.given(FIRST, SECOND).when(publish(4, NOW)).rejected("policy-out-of-order")


def test_the_version_in_force_is_that_of_the_moment() -> None:
    policies = Policies(Published((FIRST, SECOND)), Terms)
    in_force = [policies.at(moment) for moment in (ALWAYS, NOW, LATER - timedelta(microseconds=1), LATER)]
    assert [(p.version, p.terms.rate) for p in in_force] == [(1, 2), (1, 2), (1, 2), (2, 3)]


def test_before_any_version_the_preset_holds() -> None:
    assert Policies(Published(), Terms).at(NOW).terms.rate == 1
