"""What seldom happens by itself, made to happen now and then, so that the code that it leads to is come to. Seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from branchline import catalogue
from branchline.simulation.journal import ACCEPTED, read_entries
from shared import topics
from shared.errors import Unavailable
from shared.migrations import PARTITIONS
from tests.faults.rig import Rig

AT_MIGRATION = "migration."
AT_REBUILD = ("view.", "catching-up.", "consumer.placed")
EVERY = 0.5
# while servers and services die
PASSING = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, Unavailable)
PATIENCE = 5.0

_DUE = "UPDATE timer SET due_at = clock_timestamp(), fired_at = NULL"
_TAKEN = "SELECT coalesce(array_agg(seq), '{}') FROM till_item WHERE till = $1 AND result <> 'parked'"
_OTHER_TEXT = """
UPDATE view_set SET text_hash = 'an older text' WHERE live AND name = $1 AND text_hash <> 'an older text' RETURNING true
"""
_OTHER_CONSUMERS = "UPDATE consumed SET consumer = $1 || 'an older text' WHERE starts_with(consumer, $1)"
_GIVES_UP_AFTER = "SET lock_timeout = '1s'"


async def provoke(rig: Rig, failpoint: str, chance: Random) -> None:
    """Do what leads to a failpoint, until cancelled; what cannot be done while servers and services die is left."""
    acts = [act for prefix, act in PROVOCATIONS.items() if failpoint.startswith(prefix)]
    task = asyncio.current_task()
    while acts and task and not task.cancelling():  # a client that is closing may keep the word to itself
        with suppress(*PASSING):
            async with asyncio.timeout(PATIENCE):
                await acts[0](rig, chance)
        await asyncio.sleep(EVERY)


async def timers_due(rig: Rig, _: Random) -> None:
    """Let every timer be due now, those that have fired too: a tier that is looked at once more stays as it is."""
    await _execute(rig, "membership", _DUE)


async def views_older(rig: Rig, service: str) -> None:
    """Let the views of a service that is down be of an older text: its next process builds them anew beside these."""
    connection = await rig.connect(service)
    try:
        async with connection.transaction():
            await connection.execute(_GIVES_UP_AFTER)
            if await connection.fetchval(_OTHER_TEXT, service):
                await connection.execute(_OTHER_CONSUMERS, f"{service}.views.")
    finally:
        await connection.close()


async def terms_again(rig: Rig, _: Random) -> None:
    """Publish the terms of every service that has some once more, as they are."""
    keepers = [name for name in sorted(rig.services) if catalogue.service(name).policy]
    await asyncio.gather(*(_publish_again(rig, name) for name in keepers))


async def _publish_again(rig: Rig, service: str) -> None:
    policy = await rig.office.ask(service, "GET", "/v1/policy")
    terms = policy["versions"][-1]["terms"] if policy["versions"] else policy["preset"]
    await rig.office.ask(service, "PUT", "/v1/policy", {"terms": terms})


async def hole_in_kafka(rig: Rig, chance: Random) -> None:
    """Take away what a service's topic has so far, as retention does: who has not read it finds a hole."""
    await forgotten(rig, chance.choice([name for name in sorted(rig.services) if catalogue.service(name).says]))


async def forgotten(rig: Rig, speaker: str) -> None:
    """Let Kafka forget what a service has said until now."""
    topic = rig.settings.topic(speaker)
    ends = await topics.ends(rig.settings, topic, PARTITIONS)
    await rig.note_dropped(speaker)  # what stood before these ends has a number by now; and no patience is over yet
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=rig.settings.kafka)
    try:
        await admin.start()
        await admin.delete_records(
            {TopicPartition(topic, part): RecordsToDelete(before_offset=end) for part, end in ends.items() if end}
        )
    finally:
        await admin.close()


async def sent_by_kafka(rig: Rig, chance: Random) -> None:
    """Send what a till has sent, and was taken, once more: through Kafka."""
    path = chance.choice(sorted(rig.tills.journals.glob("*.items")))
    taken = set(await rig.asked("pos", _TAKEN, path.stem))
    sent = [written.entry for written in read_entries(path)]
    again = [entry.item for entry in sent if entry.must == ACCEPTED and entry.seq in taken]
    if not again:
        return
    items = chance.sample(again, min(20, len(again)))
    topic = f"{rig.settings.cell}.pos.intake"
    await topics.ensure(rig.settings, topic, PARTITIONS)  # pos makes it when it begins to listen
    producer: Any = AIOKafkaProducer(bootstrap_servers=rig.settings.kafka)
    await producer.start()
    try:
        request = orjson.dumps({"till": path.stem, "items": items})
        await producer.send_and_wait(topic, request, key=path.stem.encode())
    finally:
        await producer.stop()


async def _execute(rig: Rig, service: str, statement: str) -> None:
    connection = await rig.connect(service)
    try:
        await connection.execute(_GIVES_UP_AFTER)
        await connection.execute(statement)
    finally:
        await connection.close()


PROVOCATIONS: dict[str, Callable[[Rig, Random], Awaitable[None]]] = {
    "timer.": timers_due,
    "gap.": hole_in_kafka,
    "command.committed-at-once": terms_again,
    "intake.record-done": sent_by_kafka,
}
