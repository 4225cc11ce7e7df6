"""Poison: handlers with a bug at an event or two, and records on a topic that no service has said. Seconds."""

from random import Random

from aiokafka import AIOKafkaProducer

from shared.cloudevent import source_of
from shared.migrations import PARTITIONS
from tests.cell import eventually
from tests.faults.fault import Fault
from tests.faults.rig import Rig

REACTING = ("loyalty-points", "membership", "notification")
BUSY = ("loyalty-points", "membership")  # a bug at few events shows where many are heard
PARKED_WITHIN = 60.0
SPEAKING = ("loyalty-points", "membership", "notification", "pos")
MOST_RECORDS = 30

_PARKED = "SELECT count(*) FROM parked_key"
_HALTED = "SELECT count(*) FROM halted"
_ASIDE = "SELECT topic, part, at_offset, reason FROM set_aside"
_LOOKED_AT = "DELETE FROM set_aside"


async def handler_raises(rig: Rig, chance: Random) -> None:
    """Deploy a bug: only keys that meet it wait, the others go on; take it back, and redrive what waits in order."""
    service = chance.choice(BUSY)
    right = rig.services[service]
    await right.down()
    wrong = rig.program(service, name=f"{service}-poisoned", module=("tests.faults.altered", "poisoned"))
    rig.services[service] = wrong
    wrong.start()

    async def is_parked() -> bool:
        return bool(await rig.asked(service, _PARKED))

    await eventually(is_parked, PARKED_WITHIN)
    await rig.caught_up()
    assert await rig.asked(service, _HALTED) == 0, f"{service} halted"
    await wrong.down()
    rig.services[service] = right
    await right.up()
    await rig.ready()
    redriven = await rig.branchline("redrive", service)
    assert redriven.status == 0, redriven.text
    parked = await rig.branchline("parked")
    assert parked.text == "nothing is parked\n", parked.text


async def records_of_nobody(rig: Rig, chance: Random) -> None:
    """Put records on the topics that their services have not said: each is set aside, and moves nothing."""
    producer = AIOKafkaProducer(bootstrap_servers=rig.settings.kafka)
    await producer.start()
    try:
        for _ in range(chance.randint(1, MOST_RECORDS)):
            speaker = chance.choice(SPEAKING)
            await producer.send_and_wait(
                rig.settings.topic(speaker),
                chance.choice((b"", b"{", b"null", chance.randbytes(1000))),
                key=chance.choice((None, b"", b"\xff\0", b"a key")),
                partition=chance.randrange(PARTITIONS),
                headers=chance.choice(_foreign(source_of(rig.settings.cell, speaker))),
            )
            sent = rig.memory.setdefault("records of nobody", {})
            sent[rig.settings.topic(speaker)] = sent.get(rig.settings.topic(speaker), 0) + 1
    finally:
        await producer.stop()


async def are_set_aside(rig: Rig) -> None:
    """Raise AssertionError where a listener has not set aside every such record; then forget them, as operators do."""
    sent: dict[str, int] = rig.memory.pop("records of nobody")
    for service in (*REACTING, "projection"):
        connection = await rig.connect(service)
        try:
            for topic in {row["topic"] for row in await connection.fetch("SELECT topic FROM consumed")}:
                found = sum(row["topic"] == topic for row in await connection.fetch(_ASIDE))
                assert found == sent.get(topic, 0), f"{service} set aside {found} records of {topic}, not {sent}"
            await connection.execute(_LOOKED_AT)
        finally:
            await connection.close()


def _foreign(source: bytes) -> tuple[list[tuple[str, bytes]], ...]:
    """Return headers of records that are somebody else's, or say to be the speaker's and have no place in its feed."""
    return (
        [],
        [("ce_source", b"somebody else"), ("feed", b"1:1:0:0")],
        [("ce_source", source), ("feed", b"1:2:3")],
        [("ce_source", source), ("beat", b"not a number")],
        [("ce_source", source)],
    )


FAULTS = (
    Fault("a handler has a bug, and is mended", handler_raises),
    Fault("a topic has records of nobody", records_of_nobody, after=are_set_aside),
)
