"""The commands of a batch on their way to their streams, and which of them can be handled at once. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from shared.decider import Aggregate
from shared.message import Issued


class Order(NamedTuple):
    """A command of a batch: its place there, who takes it, and the stream it writes."""

    place: int
    issued: Issued
    aggregate: Aggregate
    stream_id: UUID


def onward(order: Order, state: Any) -> Order:
    """Return the order for the stream to which its own, which has this state, has moved on; the same where it stays."""
    aggregate = order.aggregate
    command = aggregate.follow and aggregate.follow(order.issued.command, state)
    if command is None:
        return order
    return order._replace(issued=Issued(command, order.issued.cause), stream_id=getattr(command, aggregate.key))


def in_rounds(orders: Sequence[Order]) -> list[list[Order]]:
    """Return the orders in rounds: one a stream at a time unless they are renewed, those to come in turn alone."""
    rounds: list[list[Order]] = []
    latest: dict[UUID, tuple[int, bool]] = {}
    first = 0
    for order in orders:
        kind, aggregate = type(order.issued.command), order.aggregate
        shares = not aggregate.guards or kind in aggregate.renewed
        place, are_shared = latest.get(order.stream_id, (0, True) if shares else (-1, False))
        place = max(first, place + (not (shares and are_shared)))
        if kind in aggregate.in_turn:
            place, first = len(rounds), len(rounds) + 1
        latest[order.stream_id] = place, shares
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(order)
    return rounds
