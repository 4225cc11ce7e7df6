"""The broker: its data folder as it is formatted, and how much sooner it starts for having been trained."""

import asyncio
import subprocess
import uuid
from pathlib import Path

import pytest

from deploy.local import kafka
from deploy.local.faults import Failed
from deploy.local.places import JARS
from deploy.local.run import fetch

ONLY_AS_LEARNT = "-XX:AOTMode=on"  # Java ends where it cannot use what was kept

DASH_IN_FRONT = uuid.UUID(bytes=b"\xf8" + bytes(15))
OTHER = uuid.UUID(int=1)


def test_the_id_of_a_cluster_is_never_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter((DASH_IN_FRONT, OTHER))
    monkeypatch.setattr(uuid, "uuid4", lambda: next(drawn))
    assert kafka.cluster_id() == "AAAAAAAAAAAAAAAAAAAAAQ"


def formats(home: Path, jars: Path, learnt: Path) -> bool:
    """Return whether Java formats a data folder with what it learnt, and can use that."""
    home.mkdir()
    java, used, *words, _, properties = kafka.command(home, jars, 9092, 9093)
    assert used == f"-XX:AOTCache={jars / kafka.LEARNT}"
    tool = ["kafka.tools.StorageTool", "format", "-t", kafka.cluster_id(), "-c", properties]
    command = [java, f"-XX:AOTCache={learnt}", ONLY_AS_LEARNT, *words, *tool]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


async def test_java_starts_from_what_it_learnt_of_kafka_and_only_when_that_is_whole(tmp_path: Path) -> None:
    await asyncio.to_thread(fetch, with_page=False)
    learnt = JARS / kafka.LEARNT
    assert await asyncio.to_thread(formats, tmp_path / "whole", JARS, learnt)
    broken = tmp_path / kafka.LEARNT
    broken.write_bytes(learnt.read_bytes()[: 1 << 20])
    assert not await asyncio.to_thread(formats, tmp_path / "half", JARS, broken)


async def test_a_node_that_cannot_start_is_said(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="could not format"):
        await asyncio.to_thread(kafka.train, tmp_path)
