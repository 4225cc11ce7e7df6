"""Quiet: nothing is parked, halted or tried without end, nobody died, no bug was logged, the processor is idle."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil

from deploy.local.places import SERVICES
from tests.faults.checkers.evidence import Evidence, Findings
from tests.faults.servers import logs

MOST_BUSY = 0.2  # of one processor, all services together; idle ones take a tenth, a busy one all that it gets
LOOKS_FOR = 2.0  # seconds
LOOKS = 4
PLANNED = "-poisoned."  # the log of a deploy that is meant to fail
BUGS = frozenset({"bug", "parked", "halted", "a timer fails", "views stand still", "gap: cannot be filled"})

_STUCK = (
    ("a parked key", "SELECT consumer, topic, partition_key, cause FROM parked_key"),
    ("a halted consumer", "SELECT consumer, topic, cause FROM halted"),
    ("a record set aside", "SELECT consumer, topic, reason FROM set_aside"),
    ("a timer that fails", "SELECT id::text, type, error FROM timer WHERE error IS NOT NULL OR parked_at IS NOT NULL"),
)


async def check(evidence: Evidence) -> Findings:
    """Look at what waits for an operator, at the processes and their logs, and at the processor."""
    findings = Findings()
    await _stuck(evidence, findings)
    findings.lines += _told(evidence)
    used = 0.0
    for _ in range(LOOKS):
        if (used := await _used(evidence)) < MOST_BUSY:
            return findings
    findings.lines.append(f"the services use {used:.2f} of a processor, with nothing to do")
    return findings


async def _stuck(evidence: Evidence, findings: Findings) -> None:
    for service in SERVICES:
        for what, query in _STUCK:
            for row in await evidence.rows(service, query):
                findings.lines.append(f"{service}: {what}: {', '.join(str(value) for value in row.values())}")


def _told(evidence: Evidence) -> Iterator[str]:
    for program in evidence.rig.services.values():
        if program.deaths:
            yield f"{program.name} ended {program.deaths} times by itself"
    for log in sorted(logs(evidence.rig.home).glob(f"*.{evidence.rig.settings.cell}*.log")):
        if PLANNED not in log.name:
            yield from (f"{log.name}: {line}" for line in _bugs(log.read_text(errors="replace")))


def _bugs(log: str) -> Iterator[str]:
    for line in log.splitlines():
        with suppress(json.JSONDecodeError):
            told: dict[str, Any] = json.loads(line)
            if told.get("event") in BUGS:
                yield line[:500]


async def _used(evidence: Evidence) -> float:
    """Return how many processors the services have used on average for a while."""
    began = _times(evidence)
    await asyncio.sleep(LOOKS_FOR)
    return sum(seconds - began.get(pid, 0.0) for pid, seconds in _times(evidence).items()) / LOOKS_FOR


def _times(evidence: Evidence) -> dict[int, float]:
    times = {}
    for program in evidence.rig.services.values():
        if program.pid:
            spent = psutil.Process(program.pid).cpu_times()
            times[program.pid] = spent.user + spent.system
    return times
