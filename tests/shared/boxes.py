"""Boxes to try the kernel with: one is emptied into another, and whatever is put into it later lands there, too."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, TypeAlias, cast
from uuid import UUID

from shared.decider import Aggregate, Domain
from shared.message import Command, Envelope, Event
from shared.postgres import Tx


class Put(Command):
    """Put something into a box."""

    box_id: UUID
    amount: int


class Empty(Command):
    """Empty a box, once; it is not used any more."""

    box_id: UUID
    into: UUID


class Fill(Command):
    """Put into a box what another was emptied of."""

    box_id: UUID
    out_of: UUID
    amount: int = 0  # brought by gather


class PutIn(Event):
    """Something was put into the box."""

    box_id: UUID
    amount: int


class Emptied(Event):
    """The box was emptied into another."""

    box_id: UUID
    into: UUID
    amount: int


@dataclass(frozen=True)
class Box:
    """What is in it, and which box has taken its place."""

    total: int = 0
    moved_to: UUID | None = None


BoxCommand: TypeAlias = Put | Empty | Fill


def decide(command: BoxCommand, box: Box) -> Sequence[Event]:
    """Put in, or empty."""
    match command:
        case Empty() if box.moved_to:
            return []
        case Empty(at=at, box_id=box_id, into=into):
            return [Emptied(at=at, box_id=box_id, into=into, amount=box.total)]
        case Put() | Fill():
            return [PutIn(at=command.at, box_id=command.box_id, amount=command.amount)]


def evolve(box: Box, event: PutIn | Emptied) -> Box:
    """Count."""
    match event:
        case PutIn(amount=amount):
            return replace(box, total=box.total + amount)
        case Emptied(into=into):
            return Box(0, into)


def follow(command: BoxCommand, box: Box) -> Command | None:
    """Put it into the box that has taken this one's place."""
    if box.moved_to is None or isinstance(command, Empty):
        return None
    return command.model_copy(update={"box_id": box.moved_to})


class Contents:
    """Brings to a box what another was emptied of; keeps nothing."""

    async def gather(self, tx: Tx, commands: Sequence[Command], /) -> Sequence[Command]:
        """Bring the amount."""
        return [await self._with_amount(tx, c) if isinstance(c, Fill) else c for c in commands]

    async def _with_amount(self, tx: Tx, command: Fill) -> Fill:
        data = await tx.fetchval(
            "SELECT data::text FROM event WHERE stream_id = $1 AND type = 'Emptied'", command.out_of
        )
        return command.model_copy(update={"amount": json.loads(data)["amount"] if data else 0})

    async def guard(self, tx: Tx, events: Sequence[Envelope], /) -> None:
        """Keep nothing."""


_RULES: Any = SimpleNamespace(SHAPE=1, initial=Box(), decide=decide, evolve=evolve)
BOX = Aggregate(
    "box",
    cast(Domain, _RULES),
    Box,
    (Put, Empty, Fill),
    (PutIn, Emptied),
    key="box_id",
    guards=Contents(),
    follow=follow,
    in_turn=(Empty, Fill),
)
