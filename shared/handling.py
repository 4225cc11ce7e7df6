"""Commands to events: lock and load the streams, gather, decide, append, guard; one command or hundreds at a time."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from shared import telemetry
from shared.decider import Aggregate
from shared.errors import Rejected
from shared.message import Cause, Command, Envelope, Event, Issued, Vocabulary
from shared.orders import Order, in_rounds, onward
from shared.postgres import Tx
from shared.store import Change, Done, Loaded, append, histories, load, lock, page

LONGEST_CHAIN = 1000


class Outcome(NamedTuple):
    """What became of a command. `version` is the stream's after it; `replayed`: done before, under the same key."""

    stream_id: UUID
    version: int
    events: tuple[Envelope, ...] = ()
    refusal: Rejected | None = None
    replayed: bool = False


@dataclass(slots=True)
class _Stream:
    """A stream while a batch is handled; `stored` is the version that Postgres has."""

    aggregate: Aggregate
    key: UUID
    version: int
    state: Any
    stored: int

    def tell(self, stream_id: UUID, events: Sequence[Event], cause: Cause) -> tuple[Envelope, ...]:
        told = []
        for event in events:
            self.version += 1
            self.state = self.aggregate.domain.evolve(self.state, event)
            told.append(Envelope(self.aggregate.category, stream_id, self.version, self.key, event, cause))
        return tuple(told)


def _onward(order: Order, streams: Mapping[UUID, _Stream]) -> Order:
    return onward(order, streams[order.stream_id].state)


class Handler:
    """The aggregates of a service, and how their commands are handled inside somebody's transaction."""

    def __init__(self, aggregates: Sequence[Aggregate], partitions: int, space: str) -> None:
        self.partitions = partitions
        self._space = space
        self._by_command = {command: a for a in aggregates for command in a.commands}
        self._by_category = {a.category: a for a in aggregates}
        self._guarded = [a for a in aggregates if a.guards]
        self._some_move = any(a.follow for a in aggregates)
        self._states: Mapping[str, TypeAdapter[Any]] = {a.category: TypeAdapter(a.state) for a in aggregates}
        self._vocabularies = {a.category: Vocabulary(a.events) for a in aggregates}

    @cached_property
    def commands(self) -> Mapping[str, type[Command]]:
        """Return the commands by name."""
        return {command.__name__: command for command in self._by_command}

    def aggregate(self, command: Command) -> Aggregate:
        """Return the aggregate that takes the command; raise KeyError when none does."""
        return self._by_command[type(command)]

    def stream_of(self, command: Command) -> UUID:
        """Return the id of the stream that the command writes."""
        stream_id = getattr(command, self.aggregate(command).key)
        assert isinstance(stream_id, UUID)
        return stream_id

    async def handle(self, tx: Tx, issued: Sequence[Issued], patience: timedelta | None = None) -> list[Outcome]:
        """Return an outcome for each command, in order. A refusal is an outcome; Conflict is raised.

        With `patience` asyncpg.LockNotAvailableError is, too, where a stream stays locked for longer.

        Commands of one stream see each other: those of an aggregate with guards go in rounds, one a stream at a time
        unless they are renewed. Where a stream has moved on, also within the batch, they go on with it.
        """
        with telemetry.handling([one.cause.traceparent for one in issued]):
            streams: dict[UUID, _Stream] = {}
            asked = [self._order(index, one) for index, one in enumerate(issued)]
            outcomes: dict[int, Outcome] = {}
            rounds: deque[list[Order]] = deque()
            left = list(asked)  # to be led to their streams, each from where it was asked: one may be back where it was
            while left or rounds:
                if left:
                    there = await self._open(tx, [asked[order.place] for order in left], streams, patience)
                    rounds, left = deque(self._in_rounds(there)), []
                chosen = rounds.popleft()
                await self._round(tx, chosen, streams, outcomes)
                if any(type(order.issued.command) in order.aggregate.in_turn for order in chosen):
                    left = sorted(chain(*rounds), key=attrgetter("place"))
            return [outcomes[index] for index in range(len(issued))]

    async def state(self, tx: Tx, category: str, stream_id: UUID) -> tuple[int, Any]:
        """Return a stream's version and folded state: 0 and the initial state when there is none."""
        found = (await load(tx, [stream_id])).get(stream_id)
        aggregate = self._by_category[category]
        if found is None:
            return 0, aggregate.domain.initial
        aggregate.own(stream_id, found.category)
        return found.version, await self._folded(tx, aggregate, stream_id, found)

    async def history(self, tx: Tx, category: str, stream_id: UUID) -> list[Envelope]:
        """Return a stream's events, oldest first."""
        return (await self.histories(tx, category, [stream_id]))[stream_id]

    async def histories(self, tx: Tx, category: str, ids: Iterable[UUID]) -> dict[UUID, list[Envelope]]:
        """Return the events of each stream, oldest first."""
        return await histories(tx, ids, self._vocabularies[category])

    async def page(self, tx: Tx, category: str, after: UUID | None, limit: int) -> dict[UUID, tuple[int, Any]]:
        """Return versions and folded states of a category's streams behind an id, in the order of ids."""
        aggregate = self._by_category[category]
        found = await page(tx, category, after, limit)
        return {one: (row.version, await self._folded(tx, aggregate, one, row)) for one, row in found.items()}

    async def one(self, tx: Tx, issued: Issued, done: Callable[[Outcome], Done] | None) -> Outcome:
        """Handle a command of an aggregate without guards in two calls, in autocommit.

        `done` makes the row of an idempotency key from the outcome. Raises Rejected, Conflict, DoneBefore.
        """
        with telemetry.handling([issued.cause.traceparent]):
            streams: dict[UUID, _Stream] = {}
            order = await self._loaded(tx, self._order(0, issued), streams)
            stream_id, stream = order.stream_id, streams[order.stream_id]
            events = order.aggregate.domain.decide(order.issued.command, stream.state)
            told = stream.tell(stream_id, events, issued.cause)
            outcome = Outcome(stream_id, stream.version, told)
            if told or done:
                changes = [self._change(stream_id, stream, told)] if told else []
                await append(tx, changes, self.partitions, done(outcome) if done else None)
            return outcome

    def _order(self, index: int, issued: Issued) -> Order:
        aggregate = self._by_command[type(issued.command)]
        return Order(index, issued, aggregate, getattr(issued.command, aggregate.key))

    async def _open(
        self, tx: Tx, orders: Sequence[Order], streams: dict[UUID, _Stream], patience: timedelta | None
    ) -> list[Order]:
        """Return the orders for the streams on which theirs go on, each stream locked and loaded into `streams`.

        Of guarded ones also the ids that have no stream yet.
        """
        for _ in range(LONGEST_CHAIN):
            firsts = {order.stream_id: order for order in reversed(orders) if order.stream_id not in streams}
            if firsts:
                guarded = [stream_id for stream_id, order in firsts.items() if order.aggregate.guards]
                others = [stream_id for stream_id, order in firsts.items() if not order.aggregate.guards]
                streams |= await self._streams(tx, firsts, await lock(tx, guarded, others, self._space, patience))
            there = [_onward(order, streams) for order in orders] if self._some_move else list(orders)
            if all(order is before for order, before in zip(there, orders, strict=True)):
                return there
            orders = there
        raise RuntimeError("streams move on to each other")

    async def _loaded(self, tx: Tx, order: Order, streams: dict[UUID, _Stream]) -> Order:
        """Return the order for the stream on which its own goes on, loaded into `streams`."""
        while order.stream_id not in streams:
            found = await load(tx, [order.stream_id])
            streams |= await self._streams(tx, {order.stream_id: order}, found)
            order = _onward(order, streams)
        return order

    async def _streams(self, tx: Tx, firsts: Mapping[UUID, Order], found: Mapping[UUID, Loaded]) -> dict[UUID, _Stream]:
        streams: dict[UUID, _Stream] = {}
        for stream_id, (_, issued, aggregate, _) in firsts.items():
            known = found.get(stream_id)
            if known:
                aggregate.own(stream_id, known.category)
                state = await self._folded(tx, aggregate, stream_id, known)
                streams[stream_id] = _Stream(aggregate, known.key, known.version, state, known.version)
            else:
                key = getattr(issued.command, aggregate.partition) if aggregate.partition else None
                streams[stream_id] = _Stream(aggregate, key or stream_id, 0, aggregate.domain.initial, 0)
        return streams

    async def _folded(self, tx: Tx, aggregate: Aggregate, stream_id: UUID, found: Loaded) -> Any:
        if found.shape == aggregate.domain.SHAPE:
            return self._states[aggregate.category].validator.validate_json(found.state)
        return aggregate.fold(e.event for e in await self.history(tx, aggregate.category, stream_id))

    def _in_rounds(self, orders: list[Order]) -> list[list[Order]]:
        return in_rounds(orders) if self._guarded or self._some_move else [orders]

    async def _round(
        self, tx: Tx, chosen: list[Order], streams: Mapping[UUID, _Stream], outcomes: dict[int, Outcome]
    ) -> None:
        told: dict[UUID, list[Envelope]] = defaultdict(list)
        by_aggregate: dict[str, list[Envelope]] = defaultdict(list)
        latest: dict[UUID, tuple[Command, Sequence[Event]]] = {}
        for index, issued, aggregate, stream_id in await self._gathered(tx, chosen):
            stream, command = streams[stream_id], issued.command
            if stream_id in latest and (renewed := aggregate.renewed.get(type(command))):
                command = renewed(command, *latest[stream_id])
            latest[stream_id] = command, ()
            try:
                events = aggregate.domain.decide(command, stream.state)
            except Rejected as refusal:
                outcomes[index] = Outcome(stream_id, stream.version, refusal=refusal)
                continue
            latest[stream_id] = command, events
            new = stream.tell(stream_id, events, issued.cause)
            told[stream_id] += new
            by_aggregate[aggregate.category] += new
            outcomes[index] = Outcome(stream_id, stream.version, new)
        changes = [self._change(stream_id, streams[stream_id], events) for stream_id, events in told.items() if events]
        if changes:
            await append(tx, changes, self.partitions)
        for change in changes:
            streams[change.stream_id].stored += len(change.events)
        for aggregate in self._guarded:
            if aggregate.guards and by_aggregate[aggregate.category]:
                await aggregate.guards.guard(tx, by_aggregate[aggregate.category])

    async def _gathered(self, tx: Tx, chosen: list[Order]) -> list[Order]:
        gathered = list(chosen)
        for aggregate in self._guarded:
            mine = [place for place, order in enumerate(chosen) if order.aggregate is aggregate]
            if aggregate.guards and mine:
                known = await aggregate.guards.gather(tx, [chosen[place].issued.command for place in mine])
                for place, command in zip(mine, known, strict=True):
                    index, (_, cause), _, stream_id = chosen[place]
                    gathered[place] = Order(index, Issued(command, cause), aggregate, stream_id)
        return gathered

    def _change(self, stream_id: UUID, stream: _Stream, told: Sequence[Envelope]) -> Change:
        category = stream.aggregate.category
        state = self._states[category].serializer.to_json(stream.state).decode()
        return Change(stream_id, category, stream.key, stream.stored, stream.aggregate.domain.SHAPE, state, told)
