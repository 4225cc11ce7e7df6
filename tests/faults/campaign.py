"""One fault, again and again: strike and heal while tills sell, then close them and look at everything. Seconds."""

import time
from dataclasses import dataclass, field
from random import Random

from tests.cell import eventually
from tests.faults.checkers import Evidence, Findings, look
from tests.faults.fault import Fault
from tests.faults.rig import Rig

TAKEN_WITHIN = 90.0

_EVENTS = "SELECT count(*) FROM event"


@dataclass
class Row:
    """A row of the table. `failure` is what kept the fault's rounds from coming to their end, if anything did."""

    fault: str
    sells: bool = True
    rounds: int = 0
    acknowledged: int = 0
    heal: list[float] = field(default_factory=list)
    found: dict[str, Findings] = field(default_factory=dict)
    failure: str = ""
    seconds: float = 0.0

    @property
    def red(self) -> list[str]:
        """Return the checkers that found something."""
        return [name for name, findings in self.found.items() if findings.lines]

    @property
    def is_green(self) -> bool:
        """Return whether all rounds were struck while tills sold, and nothing is wrong."""
        return not self.failure and not self.red and (self.acknowledged > 0 or not self.sells)

    @property
    def lost(self) -> int:
        """Return how many events or effects are not there."""
        return sum(findings.lost for findings in self.found.values())

    @property
    def doubled(self) -> int:
        """Return how many events or effects are there too often."""
        return sum(findings.doubled for findings in self.found.values())


async def campaign(rig: Rig, fault: Fault, seed: str, rounds: int) -> Row:
    """Strike that many times; return what came of it. Never raises for what is wrong with the system."""
    row, began = Row(fault.name, fault.sells), time.monotonic()
    before = rig.tills.acknowledged()
    try:
        if fault.sells:
            await _sell(rig)
        for number in range(rounds):
            await fault.strike(rig, Random(f"{seed}/{fault.name}/{number}"))
            broken_until = time.monotonic()
            rig.tills.check()
            await rig.ready()
            row.rounds += 1
            if row.rounds % fault.heals_every == 0 or row.rounds == rounds:
                await rig.caught_up(fault.heals_within)
                row.heal.append(time.monotonic() - broken_until)
        await rig.tills.close()
        row.failure = await _after(rig, fault)
        await rig.settled()
        row.found = await look(Evidence(rig))
    except Exception as wrong:
        row.failure = f"in round {row.rounds + 1}: {_named(wrong)}{_of_tills(rig)}"
    row.acknowledged = rig.tills.acknowledged() - before
    row.seconds = time.monotonic() - began
    return row


def _named(wrong: Exception) -> str:
    return f"{type(wrong).__name__}: {wrong}"


def _of_tills(rig: Rig) -> str:
    """Return what has ended the tills' session, where that is why nothing came any more."""
    try:
        rig.tills.check()
    except Exception as wrong:
        return f"; the tills: {_named(wrong)}"
    return ""


async def _sell(rig: Rig) -> None:
    """Let the tills begin to sell, and wait until something has been taken."""
    before = await rig.asked("pos", _EVENTS)
    await rig.tills.sell()

    async def is_taken() -> bool:
        return bool(await rig.asked("pos", _EVENTS) > before)

    await eventually(is_taken, TAKEN_WITHIN)


async def _after(rig: Rig, fault: Fault) -> str:
    """Return what the fault itself finds wrong when its rounds are over; everything is looked at all the same."""
    try:
        if fault.after:
            await fault.after(rig)
    except AssertionError as wrong:
        return f"after all rounds: {wrong}"
    return ""
