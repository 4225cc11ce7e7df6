"""Commands to events: lock and load the streams, gather, decide, append, guard; one command or hundreds at a time."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from shared import telemetry
from shared.decider import Aggregate
from shared.errors import Rejected
from shared.message import Command, Envelope, Event, Issued, Vocabulary
from shared.postgres import Tx
from shared.store import Change, Done, Loaded, append, history, load, reserve


@dataclass(frozen=True)
class Outcome:
    """What became of a command. `version` is the stream's after it; `replayed`: done before, under the same key."""

    stream_id: UUID
    version: int
    events: tuple[Envelope, ...] = ()
    refusal: Rejected | None = None
    replayed: bool = False


@dataclass
class _Stream:
    """A stream while a batch is handled; `stored` is the version that Postgres has."""

    aggregate: Aggregate
    key: UUID
    version: int
    state: Any
    stored: int

    def tell(self, stream_id: UUID, events: Sequence[Event], issued: Issued) -> tuple[Envelope, ...]:
        told = []
        for event in events:
            self.version += 1
            self.state = self.aggregate.domain.evolve(self.state, event)
            told.append(Envelope(self.aggregate.category, stream_id, self.version, self.key, event, issued.cause))
        return tuple(told)


@contextmanager
def _timed(issued: Sequence[Issued]) -> Iterator[None]:
    parents = (one.cause.traceparent for one in issued)
    with telemetry.HANDLE_SECONDS.time(), telemetry.tracing_all(telemetry.HANDLE, parents, commands=len(issued)):
        yield


class Handler:
    """The aggregates of a service, and how their commands are handled inside somebody's transaction."""

    def __init__(self, aggregates: Sequence[Aggregate], partitions: int, space: str) -> None:
        self.partitions = partitions
        self._space = space
        self._by_command = {command: a for a in aggregates for command in a.commands}
        self._by_category = {a.category: a for a in aggregates}
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

    async def handle(self, tx: Tx, issued: Sequence[Issued]) -> list[Outcome]:
        """Return an outcome for each command, in order. A refusal is an outcome; Conflict is raised.

        Commands of one stream see each other: those of an aggregate with guards go in rounds, one a stream at a time.
        """
        with _timed(issued):
            streams = await self._open(tx, issued)
            outcomes: dict[int, Outcome] = {}
            for chosen in self._rounds(issued):
                outcomes.update(await self._round(tx, chosen, streams))
            return [outcomes[i] for i in range(len(issued))]

    async def state(self, tx: Tx, category: str, stream_id: UUID) -> tuple[int, Any]:
        """Return a stream's version and folded state: 0 and the initial state when there is none."""
        found = (await load(tx, [stream_id], lock=False)).get(stream_id)
        aggregate = self._by_category[category]
        if found is None:
            return 0, aggregate.domain.initial
        return found.version, await self._folded(tx, aggregate, stream_id, found)

    async def history(self, tx: Tx, category: str, stream_id: UUID) -> list[Envelope]:
        """Return a stream's events, oldest first."""
        return await history(tx, stream_id, self._vocabularies[category])

    async def one(self, tx: Tx, issued: Issued, done: Callable[[Outcome], Done] | None) -> Outcome:
        """Handle a command of an aggregate without guards in two calls, in autocommit.

        `done` makes the row of an idempotency key from the outcome. Raises Rejected, Conflict, DoneBefore.
        """
        aggregate, stream_id = self.aggregate(issued.command), self.stream_of(issued.command)
        with _timed([issued]):
            stream = await self._stream(tx, issued.command, (await load(tx, [stream_id], lock=False)).get(stream_id))
            told = stream.tell(stream_id, aggregate.domain.decide(issued.command, stream.state), issued)
            outcome = Outcome(stream_id, stream.version, told)
            if told or done:
                changes = [self._change(stream_id, stream, told)] if told else []
                await append(tx, changes, self.partitions, done(outcome) if done else None)
            return outcome

    async def _open(self, tx: Tx, issued: Sequence[Issued]) -> dict[UUID, _Stream]:
        """Lock and load every stream of the batch; of guarded ones also the ids that have no stream yet."""
        first: dict[UUID, Command] = {}
        for one in issued:
            first.setdefault(self.stream_of(one.command), one.command)
        found = await load(tx, first, lock=True)
        unborn = [i for i, command in first.items() if i not in found and self.aggregate(command).guards]
        if unborn:
            await reserve(tx, unborn, self._space)
            found |= await load(tx, unborn, lock=True)
        return {i: await self._stream(tx, command, found.get(i)) for i, command in first.items()}

    async def _stream(self, tx: Tx, command: Command, found: Loaded | None) -> _Stream:
        aggregate, stream_id = self.aggregate(command), self.stream_of(command)
        if found is None:
            key = getattr(command, aggregate.partition) if aggregate.partition else None
            return _Stream(aggregate, key or stream_id, 0, aggregate.domain.initial, 0)
        state = await self._folded(tx, aggregate, stream_id, found)
        return _Stream(aggregate, found.key, found.version, state, found.version)

    async def _folded(self, tx: Tx, aggregate: Aggregate, stream_id: UUID, found: Loaded) -> Any:
        if found.shape == aggregate.domain.SHAPE:
            return self._states[aggregate.category].validate_json(found.state)
        return aggregate.fold(e.event for e in await self.history(tx, aggregate.category, stream_id))

    def _rounds(self, issued: Sequence[Issued]) -> list[list[tuple[int, Issued]]]:
        rounds: list[list[tuple[int, Issued]]] = []
        turn: dict[UUID, int] = defaultdict(int)
        for index, one in enumerate(issued):
            stream_id = self.stream_of(one.command)
            place = turn[stream_id]
            if self.aggregate(one.command).guards:
                turn[stream_id] += 1
            if place == len(rounds):
                rounds.append([])
            rounds[place].append((index, one))
        return rounds

    async def _round(
        self, tx: Tx, chosen: Sequence[tuple[int, Issued]], streams: Mapping[UUID, _Stream]
    ) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        told: dict[UUID, list[Envelope]] = defaultdict(list)
        for index, issued in await self._gathered(tx, chosen):
            stream_id = self.stream_of(issued.command)
            stream = streams[stream_id]
            try:
                events = stream.aggregate.domain.decide(issued.command, stream.state)
            except Rejected as refusal:
                outcomes[index] = Outcome(stream_id, stream.version, refusal=refusal)
                continue
            new = stream.tell(stream_id, events, issued)
            told[stream_id].extend(new)
            outcomes[index] = Outcome(stream_id, stream.version, new)
        changes = [self._change(i, streams[i], events) for i, events in told.items() if events]
        if changes:
            await append(tx, changes, self.partitions)
        for change in changes:
            streams[change.stream_id].stored = streams[change.stream_id].version
        await self._guard(tx, [outcomes[index] for index, _ in chosen], streams)
        return outcomes

    async def _gathered(self, tx: Tx, chosen: Sequence[tuple[int, Issued]]) -> list[tuple[int, Issued]]:
        gathered = dict(chosen)
        for aggregate in self._by_category.values():
            mine = [(i, one) for i, one in chosen if self.aggregate(one.command) is aggregate]
            if aggregate.guards and mine:
                known = await aggregate.guards.gather(tx, [one.command for _, one in mine])
                gathered |= {i: replace(one, command=c) for (i, one), c in zip(mine, known, strict=True)}
        return sorted(gathered.items())

    async def _guard(self, tx: Tx, outcomes: Sequence[Outcome], streams: Mapping[UUID, _Stream]) -> None:
        for aggregate in self._by_category.values():
            events = [e for o in outcomes if streams[o.stream_id].aggregate is aggregate for e in o.events]
            if aggregate.guards and events:
                await aggregate.guards.guard(tx, events)

    def _change(self, stream_id: UUID, stream: _Stream, told: Sequence[Envelope]) -> Change:
        category = stream.aggregate.category
        state = self._states[category].dump_json(stream.state).decode()
        return Change(stream_id, category, stream.key, stream.stored, stream.aggregate.domain.SHAPE, state, told)
