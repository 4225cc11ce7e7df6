"""Kafka that is killed, away, or has lost everything; and groups that forget where they were. Seconds."""

import asyncio
import shutil
from random import Random
from signal import SIGKILL, SIGTERM
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import kafka
from deploy.local.places import JARS
from shared.migrations import PARTITIONS
from tests.faults.fault import Fault
from tests.faults.looking import a_till_is_answered
from tests.faults.rig import Rig

AWAY = 60.0
CONSUMING = ("loyalty-points", "membership", "notification", "projection")

_HEARD = "SELECT DISTINCT consumer, topic FROM consumed ORDER BY consumer, topic"


async def killed(rig: Rig, chance: Random) -> None:
    """Kill the broker, see that tills are answered without it, and start it again."""
    await asyncio.sleep(chance.uniform(0, 1))
    (broker,) = rig.servers.brokers
    await broker.down(SIGKILL)
    await a_till_is_answered(rig)
    await broker.up()
    await rig.servers.answer()


async def away(rig: Rig, chance: Random) -> None:
    """Stop the broker for a minute, at whose end tills are still answered."""
    (broker,) = rig.servers.brokers
    await broker.down(SIGTERM)
    await asyncio.sleep(AWAY + chance.uniform(0, 1))
    await a_till_is_answered(rig)
    await broker.up()
    await rig.servers.answer()


async def wiped(rig: Rig, chance: Random) -> None:
    """Lose all of Kafka, groups and topics too; then do as an operator does: let all services say everything again."""
    await asyncio.sleep(chance.uniform(0, 1))
    (broker,), (folder,) = rig.servers.brokers, rig.servers.kafka_homes
    await broker.down(SIGKILL)
    properties = (folder / "server.properties").read_text()
    await asyncio.to_thread(shutil.rmtree, folder / "data")
    await asyncio.to_thread(kafka.prepare, folder, JARS)
    (folder / "server.properties").write_text(properties)
    await broker.up()
    await rig.servers.answer()
    retold = await rig.branchline("retell")
    assert retold.status == 0, retold.text


async def to_earliest(rig: Rig, chance: Random) -> None:
    """Set the groups of a service back to the beginning of every topic."""
    await _set_groups(rig, chance.choice(CONSUMING), to_end=False)


async def to_latest(rig: Rig, chance: Random) -> None:
    """Set the groups of a service to the end of every topic, while there is much that they have not heard."""
    await _set_groups(rig, chance.choice(CONSUMING), to_end=True)


async def _set_groups(rig: Rig, service: str, *, to_end: bool) -> None:
    """Set the offsets of a service that is down, and let it come back after it has missed something."""
    program = rig.services[service]
    await program.down()
    connection = await rig.connect(service)
    heard = await connection.fetch(_HEARD)
    await connection.close()
    await asyncio.sleep(1.0)
    for row in heard:
        speaker = row["topic"].split(".")[1]
        await _set(rig, f"{rig.settings.cell}.{row['consumer']}.{speaker}", row["topic"], to_end=to_end)
    await program.up()


async def _set(rig: Rig, group: str, topic: str, *, to_end: bool) -> None:
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=rig.settings.kafka, group_id=group, enable_auto_commit=False)
    places = [TopicPartition(topic, part) for part in range(PARTITIONS)]
    consumer.assign(places)
    await consumer.start()
    try:
        found = await (consumer.end_offsets(places) if to_end else consumer.beginning_offsets(places))
        await consumer.commit(found)
    finally:
        await consumer.stop()


FAULTS = (
    Fault("Kafka is killed", killed, heals_every=4),
    Fault("Kafka is away for a minute", away, rounds=3),
    Fault("Kafka loses everything, and is told everything again", wiped, heals_every=4),
    Fault("group offsets are set to the beginning", to_earliest, heals_every=4),
    Fault("group offsets are set to the end", to_latest, heals_every=4),
)
