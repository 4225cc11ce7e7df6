"""Whether a store is the one that Kafka has heard: one that went back must give nothing out."""

from collections.abc import Sequence
from typing import NamedTuple

from shared import topics
from shared.channel import Link, said_in
from shared.cloudevent import Arrival, legible, source_of
from shared.heard import tails
from shared.message import Position
from shared.parting import Heard, Server, Store, denial, doubt, latest
from shared.postgres import Tx
from shared.running import CannotRun, Running

_STORE = """
SELECT h.epoch, h.number, h.partitions, h.system_id, h.timeline,
       s.system_identifier AS is_in_system_id, c.timeline_id AS is_in_timeline,
       EXISTS (SELECT FROM event WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()) AND seq > h.floor_seq) AS is_later,
       (SELECT number FROM relay_cursor WHERE relay = 'kafka') AS relayed
FROM feed_head h, pg_control_system() s, pg_control_checkpoint() c
"""
_SAID = """
SELECT t.place - 1 AS place
FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[]) WITH ORDINALITY
  AS t (epoch, number, part, id, place)
JOIN feed f ON f.number = t.number AND f.epoch = t.epoch
JOIN event e ON e.seq = f.seq JOIN stream s ON s.id = e.stream_id
WHERE t.id IS NULL OR f.part = t.part AND s.category || '-' || e.stream_id || '/' || e.version = t.id
"""
_HALT = "It was restored to an earlier time, or moved: stop it, and `branchline rebase` will compare it with Kafka."


class WentBack(CannotRun):
    """The store is not the one that spoke last: nothing is appended, numbered or sent; the message says why."""


class Claim(NamedTuple):
    """What somebody knows of a feed: a position, and the event there where that is known."""

    position: Position
    part: int | None = None
    event_id: str | None = None


async def check(running: Running) -> None:
    """Make the topic if need be, and compare store and Kafka. Raises WentBack, TopicUnfit, Unavailable."""
    name, settings = running.service.name, running.settings
    async with running.pool.acquire() as tx:
        store = await read_store(tx)
        if why := doubt(store):
            raise WentBack(f"The store of {name} {why}. {_HALT}")
        if not running.service.says:
            return
        topic, count = settings.topic(name), await tx.fetchval("SELECT partitions FROM feed_head")
        await topics.ensure(settings, topic, count)
        async for tail in tails(settings, topic, count, source_of(settings.cell, name)):
            for last in latest(tail):
                await _check_told(tx, name, store, last)


async def read_store(tx: Tx) -> Store:
    """Return what the store says of itself."""
    row = await tx.fetchrow(_STORE)
    assert row
    return Store(
        lived_in=Server(row["system_id"], row["timeline"]),
        is_in=Server(row["is_in_system_id"], row["is_in_timeline"]),
        epoch=row["epoch"],
        number=row["number"],
        relayed=row["relayed"],
        is_from_the_future=row["is_later"],
    )


def claims(arrivals: Sequence[Arrival]) -> list[Claim]:
    """Return what Kafka's records claim: their events' places, and those of the events before them."""
    own = [Claim(a.word.position, a.part, legible(a.headers.get("ce_id", b""))) for a in arrivals]
    return own + [Claim(a.word.prev) for a in arrivals if isinstance(a.word, Link)]


async def compare(tx: Tx, claimed: Sequence[Claim]) -> list[Heard]:
    """Return for each claim whether the feed says the same; the beginning it always does."""
    positions = [claim.position for claim in claimed]
    columns = [p.epoch for p in positions], [p.number for p in positions]
    rows = await tx.fetch(_SAID, *columns, [c.part for c in claimed], [c.event_id for c in claimed])
    said = {row["place"] for row in rows}
    return [Heard(p, place in said or p.number == 0) for place, p in enumerate(positions)]


async def _check_told(tx: Tx, service: str, store: Store, last: Arrival) -> None:
    (claim, *_) = claims([last])
    (heard,) = await compare(tx, [claim])
    epoch = said_in(last.word)
    if why := denial(heard, epoch, store.epoch):
        at, where = ":".join(map(str, heard.position)), f"epoch {epoch}, partition {last.part}, offset {last.offset}"
        told = claim.event_id or "the beginning"
        raise WentBack(f"Kafka has heard {told} of {service} at {at} ({where}), {why}. {_HALT}")
