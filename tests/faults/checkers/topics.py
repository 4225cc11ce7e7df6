"""Topics: Kafka has what the relay's cursor has passed, in the feed's order, but for what a fault made it drop."""

from collections import defaultdict
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from branchline import catalogue
from deploy.local.places import SERVICES
from shared import topics
from shared.channel import Link, Word
from shared.cloudevent import Foreign, Record, arrival, source_of
from shared.migrations import PARTITIONS
from tests.faults.checkers.evidence import Evidence, Findings

_SENT = """
SELECT f.part, f.epoch, f.number FROM feed f, relay_cursor c
WHERE c.relay = 'kafka' AND f.part IS NOT NULL AND f.number <= c.number ORDER BY f.number
"""

Position = tuple[int, int]


@dataclass
class Held:
    """What Kafka has of a partition: positions in its order; where its offsets begin and end, how many were read."""

    begin: int
    end: int
    read: int = 0
    positions: list[Position] = field(default_factory=list)


async def check(evidence: Evidence) -> Findings:
    """Read every topic from its beginning."""
    findings = Findings()
    for service in SERVICES:
        if not catalogue.service(service).says:
            continue
        wanted: dict[int, list[Position]] = defaultdict(list)
        for row in await evidence.rows(service, _SENT):
            wanted[row["part"]].append((row["epoch"], row["number"]))
        held = await _held(evidence, service)
        gone = evidence.rig.dropped.get(service, 0)
        for part, told in wanted.items():
            its = held[part]
            firsts = list(dict.fromkeys(its.positions))
            positions = [at for at in told if at[1] > gone or at in firsts] if its.begin else told
            missing = sorted(set(positions) - set(firsts))
            if missing:
                findings.lines.append(
                    f"{service}: partition {part} of its topic has no {', '.join(map(str, missing[:3]))} and so on, "
                    f"{len(missing)} of {len(told)}; {its.read} were read of the offsets {its.begin} to {its.end}"
                )
            findings.lost += len(missing)
            if not missing and [at for at in firsts if at in set(positions)] != positions:
                findings.lines.append(f"{service}: partition {part} is not in the feed's order")
    return findings


async def _held(evidence: Evidence, service: str) -> dict[int, Held]:
    settings, source = evidence.rig.settings, source_of(evidence.rig.settings.cell, service)
    topic = settings.topic(service)
    ends = await topics.ends(settings, topic, PARTITIONS)
    async with topics.reading(settings) as consumer:
        places = [TopicPartition(topic, part) for part in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        begins = await consumer.beginning_offsets(places)
        held = {place.partition: Held(begin, ends[place.partition]) for place, begin in begins.items()}
        left = {place for place in places if ends[place.partition] > await consumer.position(place)}
        while left:
            for place, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                told = (word for record in records if isinstance(word := _word(record, source), Link))
                held[place.partition].positions += [word.position for word in told]
                held[place.partition].read += len(records)
            left = {place for place in left if ends[place.partition] > await consumer.position(place)}
    return held


def _word(record: Record, source: bytes) -> Word | None:
    """Return a record's place in the feed; none where the service has not said it."""
    try:
        return arrival(record, source).word
    except Foreign:
        return None
