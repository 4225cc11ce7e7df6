"""A service's terms as dated versions: each holds from its instant until the next one's. Pure, but for `policies`."""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared.decider import Aggregate, Domain
from shared.errors import Rejected
from shared.message import Command, Event, Instant
from shared.postgres import Tx

SHAPE = 2
ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
STREAM = uuid5(UUID("b2c0ffee-0000-5000-8000-000000000001"), "policy")


class Signature(BaseModel):
    """Who stands for terms that should have held before they were published, and a code for why."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reason: str
    by: UUID


class PublishPolicy(Command):
    """Let `terms` hold from `holds_from` on, or from now; the very first, unsigned and not to come, always."""

    policy_id: UUID = STREAM
    terms: dict[str, Any]
    holds_from: Instant | None = None
    signature: Signature | None = None


class PolicyPublished(Event):
    """Terms were set. Versions count from 1; `terms` is the whole of them. What starts in the past is signed."""

    number: int
    holds_from: Instant
    terms: dict[str, Any]
    signature: Signature | None = None


@dataclass(frozen=True)
class Published:
    """The versions so far, in order; each starts later than the one before."""

    versions: tuple[PolicyPublished, ...] = ()


initial = Published()


def decide(command: PublishPolicy, published: Published) -> Sequence[PolicyPublished]:
    """Say the new version, or nothing when the last one has the same terms. Unsigned, none starts in the past."""
    starts_at = command.holds_from or command.at
    if not published.versions and starts_at <= command.at and command.signature is None:
        return [_published(command, 1, ALWAYS)]
    last = published.versions[-1] if published.versions else None
    if last and last.terms == command.terms:
        return []
    if starts_at < command.at and command.signature is None:
        raise Rejected("policy-starts-in-the-past", starts_at=starts_at.isoformat(), now=command.at.isoformat())
    if last and starts_at <= last.holds_from:
        raise Rejected("policy-out-of-order", starts_at=starts_at.isoformat(), last=last.holds_from.isoformat())
    number = len(published.versions) + 1
    return [_published(command, number, starts_at)]


def _published(command: PublishPolicy, number: int, holds_from: datetime) -> PolicyPublished:
    signature = command.signature
    return PolicyPublished(
        at=command.at, number=number, holds_from=holds_from, terms=command.terms, signature=signature
    )


def evolve(published: Published, event: PolicyPublished) -> Published:
    """Add the version."""
    return Published((*published.versions, event))


@dataclass(frozen=True)
class InForce:
    """The terms that hold at an instant, and the number of their version: 0 is the preset."""

    version: int
    terms: Any


class Policies:
    """All versions of a service's terms, to ask which one holds when."""

    def __init__(self, published: Published, terms: type[BaseModel]) -> None:
        self._starts = [v.holds_from for v in published.versions]
        self._preset = InForce(0, terms())
        self.versions = [InForce(v.number, terms.model_validate(v.terms)) for v in published.versions]

    def at(self, instant: datetime) -> InForce:
        """Return the version in force."""
        place = bisect_right(self._starts, instant)
        return self.versions[place - 1] if place else self._preset

    def numbered(self, version: int) -> InForce:
        """Return a version, whenever it holds."""
        return self.versions[version - 1] if version else self._preset


async def policies(tx: Tx, terms: type[BaseModel]) -> Policies:
    """Read the service's policy; one row."""
    state = await tx.fetchval("SELECT state::text FROM stream WHERE id = $1", STREAM)
    return Policies(_STATE.validate_json(state) if state else initial, terms)


_STATE = TypeAdapter(Published)


AGGREGATE = Aggregate(
    "policy", cast(Domain, sys.modules[__name__]), Published, (PublishPolicy,), (PolicyPublished,), key="policy_id"
)
