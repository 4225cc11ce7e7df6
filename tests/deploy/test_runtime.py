"""The local runtime: what it starts it stops, and what dies under it is healed. The servers here are its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local.places import CHECKOUT, LOCAL
from deploy.local.ports import listens
from deploy.local.processes import MARK, marked
from deploy.local.run import Run
from deploy.local.state import State
from shared.settings import PORTS
from tests.ports import held_base
from tests.servers import Servers

GIVEN = ("BRANCHLINE_DATABASE_URL", "BRANCHLINE_KAFKA", MARK)
LEASHED = "import sys, time; from pathlib import Path; from deploy.local.run import Run; "


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a data folder of the test's own; whatever runs in it is stopped at the end."""
    folder = LOCAL / "runtime-tests" / f"{os.getpid()}-{time.monotonic_ns()}"
    yield folder
    Run(folder, services=()).stop()
    shutil.rmtree(folder, ignore_errors=True)


def local(*arguments: str, checkout: Path = CHECKOUT, given: Mapping[str, str] = {}) -> "subprocess.Popen[str]":
    """Start the command that the Makefile calls, without the servers that the tests were given."""
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN} | dict(given)
    command = [sys.executable, "-m", "deploy.local", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=checkout, env=environment, stdout=pipe, stderr=pipe, text=True)


def done(process: "subprocess.Popen[str]") -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


def up(home: Path, services: str = "", given: Mapping[str, str] = {}) -> tuple[int, str]:
    return done(local("up", f"--home={home}", f"--services={services}", given=given))


def becomes(is_so: Callable[[], bool], seconds: float = 40) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


async def ask(home: Path, query: str) -> object:
    connection = await asyncpg.connect(State.read(home).environment["BRANCHLINE_DATABASE_URL"])
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_killed_run_is_healed_by_the_next_and_its_data_is_there(home: Path) -> None:
    for name in ("postgres", "kafka"):
        (home / name / "new" / "half").mkdir(parents=True)
    assert up(home)[0] == 0
    await ask(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    before = State.read(home)
    assert before.supervisor is not None
    for pid in (before.supervisor, before.processes["kafka"]):
        psutil.Process(pid).kill()
    assert up(home)[0] == 0
    after = State.read(home)
    assert after.environment == before.environment
    assert not psutil.pid_exists(before.processes["postgres"])
    assert {process.pid for process in marked(home)} >= {after.supervisor, *after.processes.values()}
    assert await ask(home, "SELECT answer FROM kept") == 42
    assert done(local("down", f"--home={home}")) == (0, "Stopped.\n")
    assert marked(home) == []
    assert done(local("down", f"--home={home}")) == (0, "Nothing was running.\n")


async def test_a_server_that_dies_is_started_again_and_it_is_said(home: Path, servers: Servers) -> None:
    assert up(home, given={"BRANCHLINE_KAFKA": servers.kafka})[0] == 0
    dead = State.read(home).processes["postgres"]
    psutil.Process(dead).kill()
    log = home / "logs" / "supervisor.log"
    assert becomes(lambda: "postgres was started again" in log.read_text())
    assert "postgres was ended by signal 9" in log.read_text()
    port = State.read(home).ports["postgres"]
    assert becomes(lambda: listens("127.0.0.1", port))
    assert State.read(home).processes["postgres"] != dead


def test_whoever_holds_the_leash_takes_the_run_with_it(home: Path, servers: Servers) -> None:
    code = f"{LEASHED} Run(Path({str(home)!r}), (), leashed=True).start(); time.sleep(600)"
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
    environment["BRANCHLINE_KAFKA"] = servers.kafka
    holder = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL)
    try:
        assert becomes(lambda: State.read(home).is_ready)
    finally:
        holder.kill()
        holder.wait()
    assert becomes(lambda: marked(home) == [])


def test_a_start_that_is_interrupted_leaves_nothing(home: Path) -> None:
    starting = local("up", f"--home={home}", "--services=")
    assert becomes(lambda: len(marked(home)) > 1)
    starting.send_signal(signal.SIGINT)
    assert done(starting)[0] == 130
    assert marked(home) == []


def test_two_checkouts_at_once_do_not_meet(home: Path, servers: Servers) -> None:
    given = {"BRANCHLINE_KAFKA": servers.kafka}
    mine, other = home / "mine", home / "other"
    for package in ("deploy", "shared"):
        shutil.copytree(CHECKOUT / package, other / package)
    (other / ".local").mkdir()
    (other / ".local" / "jars").symlink_to(LOCAL / "jars")
    try:
        both = (
            local("up", f"--home={mine}", "--services=", given=given),
            local("up", "--services=", checkout=other, given=given),
        )
        said = [done(one) for one in both]
        assert [status for status, _ in said] == [0, 0], said
        ports = State.read(mine).ports, State.read(other / ".local").ports
        assert not set(ports[0].values()) & set(ports[1].values())
        assert done(local("down", checkout=other)) == (0, "Stopped.\n")
        assert marked(other / ".local") == []
        assert listens("127.0.0.1", ports[0]["postgres"])
    finally:
        for folder in (mine, other / ".local"):
            Run(folder, services=()).stop()


def test_servers_that_are_given_are_used(home: Path, servers: Servers) -> None:
    given = {"BRANCHLINE_DATABASE_URL": servers.database_url, "BRANCHLINE_KAFKA": servers.kafka}
    status, said = up(home, given=given)
    assert status == 0
    assert servers.kafka in said
    assert State.read(home).processes == {}
    assert (home / "env").stat().st_mode & 0o077 == 0


def test_a_port_that_is_taken_is_named_before_anything_is_started(home: Path) -> None:
    with held_base() as base, socket.create_server(("127.0.0.1", base + PORTS["membership"])):
        status, said = up(home, "pos,membership", {"BRANCHLINE_PORTS": str(base)})
    assert status == 1
    assert f"another program listens on {base + PORTS['membership']} (membership)" in said
    assert not (home / "postgres").exists()
    assert marked(home) == []
