"""Topics: Kafka has what the relay's cursor has passed, in the feed's order, but for what a fault made it drop."""

from collections import defaultdict

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

Held = dict[int, list[tuple[int, int]]]


async def check(evidence: Evidence) -> Findings:
    """Read every topic from its beginning."""
    findings = Findings()
    for service in SERVICES:
        if not catalogue.service(service).says:
            continue
        wanted: Held = defaultdict(list)
        for row in await evidence.rows(service, _SENT):
            wanted[row["part"]].append((row["epoch"], row["number"]))
        held, dropped = await _held(evidence, service)
        gone = evidence.rig.dropped.get(service, 0)
        for part, told in wanted.items():
            firsts = list(dict.fromkeys(held[part]))
            positions = [at for at in told if at[1] > gone or at in firsts] if dropped[part] else told
            missing = sorted(set(positions) - set(firsts))
            findings.lines += [f"{service}: {at} is not in partition {part} of its topic" for at in missing]
            findings.lost += len(missing)
            if not missing and [at for at in firsts if at in set(positions)] != positions:
                findings.lines.append(f"{service}: partition {part} is not in the feed's order")
    return findings


async def _held(evidence: Evidence, service: str) -> tuple[Held, dict[int, bool]]:
    """Return the positions in each partition, in Kafka's order, and whether it has dropped its oldest records."""
    settings, source = evidence.rig.settings, source_of(evidence.rig.settings.cell, service)
    held: Held = defaultdict(list)
    topic = settings.topic(service)
    ends = await topics.ends(settings, topic, PARTITIONS)
    async with topics.reading(settings) as consumer:
        places = [TopicPartition(topic, part) for part in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        begins = await consumer.beginning_offsets(places)
        left = {place for place in places if ends[place.partition] > await consumer.position(place)}
        while left:
            for place, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                told = (word for record in records if isinstance(word := _word(record, source), Link))
                held[place.partition] += [word.position for word in told]
            left = {place for place in left if ends[place.partition] > await consumer.position(place)}
    return held, {place.partition: begin > 0 for place, begin in begins.items()}


def _word(record: Record, source: bytes) -> Word | None:
    """Return a record's place in the feed; none where the service has not said it."""
    try:
        return arrival(record, source).word
    except Foreign:
        return None
