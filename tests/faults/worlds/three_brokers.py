"""Three brokers that are three controllers too: every partition on all of them, two of which must have what is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local import kafka
from deploy.local.places import JARS
from deploy.local.ports import free_port
from deploy.local.processes import Child
from tests.cell import eventually
from tests.faults.programs import Program
from tests.faults.servers import SHORT_SESSIONS, SMALL, Servers, logs, marked, postgres_program, started

NODES = 3
HEAP = "-Xmx256m"
START_TIME = 60.0  # seconds
LOOKED_EVERY = 0.5  # a look asks for all partitions of all topics
REPLICATED = """\
node.id={node}
controller.quorum.voters={voters}
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
default.replication.factor=3
min.insync.replicas=2
unclean.leader.election.enable=false
"""


@asynccontextmanager
async def three_brokers(home: Path) -> AsyncIterator[Servers]:
    """Give one Postgres and three brokers, at work, each knowing the others."""
    database = postgres_program(home, home / "postgres")
    folders = [home / f"kafka-{node}" for node in range(1, NODES + 1)]
    brokers, places = await _brokers(home, folders)
    url, kafkas = database.url, ",".join(places)
    servers = Servers(url, kafkas, url, kafkas, database.program, brokers, home / "postgres", folders)
    async with started(servers):
        await whole(servers)
        yield servers


async def whole(servers: Servers) -> None:
    """Wait until every broker is back, and has all that each partition holds."""

    async def is_whole() -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
        try:
            await admin.start()
            if len((await admin.describe_cluster())["brokers"]) < NODES:
                return False
            topics = await admin.describe_topics()
        except KafkaError:
            return False
        finally:
            await admin.close()
        parts = [part for topic in topics for part in topic["partitions"]]
        return all(len(part["isr"]) == len(part["replicas"]) == NODES for part in parts)

    await eventually(is_whole, START_TIME, tick=LOOKED_EVERY)


async def _brokers(home: Path, folders: list[Path]) -> tuple[list[Program], list[str]]:
    ports = [(free_port(), free_port()) for _ in folders]
    voters = ",".join(f"{node}@127.0.0.1:{controller}" for node, (_, controller) in enumerate(ports, 1))
    cluster = kafka.cluster_id()
    brokers = []
    for node, (folder, (port, controller)) in enumerate(zip(folders, ports, strict=True), 1):
        folder.mkdir(parents=True)
        command = kafka.command(folder, JARS, port, controller)
        with (folder / "server.properties").open("a") as properties:
            properties.write(REPLICATED.format(node=node, voters=voters) + SHORT_SESSIONS)
        first, *words = (HEAP if str(word).startswith("-Xmx") else word for word in command[:-2])
        java = [first, *SMALL, *words]
        await _format(java, cluster, folder / "server.properties")
        started_by = [*java, *command[-2:]]
        name = f"kafka-{node}"
        brokers.append(Program(Child(name, started_by, marked(home), logs(home) / f"{name}.log", folder)))
    return brokers, [f"127.0.0.1:{port}" for port, _ in ports]


async def _format(java: list[str | Path], cluster: str, properties: Path) -> None:
    tool = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties]
    formatting = await asyncio.create_subprocess_exec(
        *tool, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await formatting.communicate()
    assert formatting.returncode == 0, said.decode()
