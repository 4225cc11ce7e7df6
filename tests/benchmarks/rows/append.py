"""Events appended to streams, beside a bare insert of the same columns and the event stores of others."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.message import Cause, Envelope, Issued
from shared.postgres import open_pool
from shared.store import Change, append
from tests.benchmarks.bare_events import BARE, bare_events
from tests.benchmarks.bench import Bench
from tests.benchmarks.contest import Contender, Contest, Lap, Sums
from tests.benchmarks.goal import Goal
from tests.benchmarks.peers import event_stores, npm, wheels
from tests.benchmarks.store import Store, store
from tests.benchmarks.toy import TEXT, Added, Note
from tests.benchmarks.writers import STREAMS, writing

US = "branchline"
WRITERS, BATCHES = (1, 4, 16), (1, 100)
PEERS = {
    "eventsourcing": (wheels.missing, event_stores.eventsourcing),
    "emmett": (npm.missing, event_stores.emmett),
    "message-db": (npm.missing, event_stores.message_db),
}
AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
BY = Cause("bench", "bench")

GOALS = (
    *(Goal(f"{n}x100", US, "rate", ("bare asyncpg",), least=0.85) for n in WRITERS),
    *(Goal(f"{n}x1", US, "rate", ("eventsourcing",), least=3) for n in WRITERS),
    Goal("16x1", US, "rate", tuple(PEERS), least=2),
)

OURS = "durable commit, version checked, state beside the events, public order safe behind slow transactions"


async def measure(bench: Bench) -> None:
    """Play every width with every size."""
    for writers in WRITERS:
        for batch in BATCHES:
            if bench.chosen(f"{writers}x{batch}"):
                await _play(bench, writers, batch)


async def _play(bench: Bench, writers: int, batch: int) -> None:
    async with AsyncExitStack() as stack:
        name = f"append-{writers}-{batch}"
        own = await stack.enter_async_context(store(bench, name))
        contenders: list[Contender] = []
        absent: dict[str, str] = {}
        ours = _single if batch == 1 else _many
        contenders += [await stack.enter_async_context(one(bench, own, writers, batch)) for one in (_bare, ours)]
        for peer, (missing, joining) in PEERS.items():
            if reason := missing():
                absent[peer] = reason
            else:
                contenders.append(await stack.enter_async_context(joining(bench, writers, batch)))
        title = f"{writers} writer{'s' * (writers > 1)}, {batch} event{'s' * (batch > 1)} a time"
        await bench.play(Contest("append", f"{writers}x{batch}", title, contenders, absent=absent))


@asynccontextmanager
async def _bare(bench: Bench, own: Store, writers: int, batch: int) -> AsyncIterator[Contender]:
    async with bare_events(bench, own, size=writers) as bare:
        ids = [uuid4() for _ in range(STREAMS)]
        versions = [0] * STREAMS

        async def write(stream: int) -> int:
            before, versions[stream] = versions[stream], versions[stream] + batch
            await bare.insert([ids[stream]] * batch, range(before + 1, before + batch + 1))
            return batch

        yield Contender("bare asyncpg", BARE, _lap(bench, writers, write, bare.counted))


@asynccontextmanager
async def _single(bench: Bench, own: Store, writers: int, batch: int) -> AsyncIterator[Contender]:
    """One command: load, decide and append, in two round trips."""
    ids = [uuid4() for _ in range(STREAMS)]
    async with await open_pool(bench.settings, own.speaker, size=writers) as pool:

        async def write(stream: int) -> int:
            async with pool.acquire() as tx:
                await own.running.handler.one(tx, Issued(Note.of(ids[stream], AT), BY), None)
            return batch

        guarantees = f"{OURS}; load, decide and append of a command, in two round trips"
        yield Contender(US, guarantees, _lap(bench, writers, write, own.counted))


@asynccontextmanager
async def _many(bench: Bench, own: Store, writers: int, batch: int) -> AsyncIterator[Contender]:
    """Events of one stream whose version the writer knows: one call."""
    ids = [uuid4() for _ in range(STREAMS)]
    versions = [0] * STREAMS
    async with await open_pool(bench.settings, own.speaker, size=writers) as pool:

        async def write(stream: int) -> int:
            before, versions[stream] = versions[stream], versions[stream] + batch
            change = _change(ids[stream], before, batch)
            async with pool.acquire() as tx:
                await append(tx, [change], own.running.handler.partitions)
            return batch

        guarantees = f"{OURS}; the writer knows the version, and events are objects that it turns into JSON"
        yield Contender(US, guarantees, _lap(bench, writers, write, own.counted))


def _lap(
    bench: Bench, writers: int, write: Callable[[int], Awaitable[int]], counted: Callable[[], Awaitable[Sums]]
) -> Callable[[], Awaitable[Lap]]:
    async def lap() -> Lap:
        before = await counted()
        async with bench.meter.lap(0) as lap:
            lap.events = await writing(writers, write)
        lap.found = tuple(after - of for after, of in zip(await counted(), before, strict=True))
        lap.expected = (lap.events,) * len(lap.found)
        return lap

    return lap


def _change(stream_id: UUID, before: int, batch: int) -> Change:
    event = Added(at=AT, counter_id=stream_id, amount=1, note=TEXT)
    told = [Envelope("counter", stream_id, before + n, stream_id, event, BY) for n in range(1, batch + 1)]
    return Change(stream_id, "counter", stream_id, before, 1, f'{{"total": {before + batch}}}', told)
