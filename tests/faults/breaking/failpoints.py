"""Every failpoint that the code declares: some service's process is killed there. Seconds."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from signal import SIGKILL

from branchline import catalogue
from deploy.local.places import SERVICES
from shared.failpoints import VARIABLE, places
from shared.service import Service
from shared.settings import Settings
from tests.faults.fault import Fault
from tests.faults.programs import Program
from tests.faults.provoking import AT_MIGRATION, AT_REBUILD, provoke, views_older
from tests.faults.rig import Rig
from tests.servers import wipe

ROUNDS, TURNS = 20, 2
PATIENCE, PATIENCE_IF_SELDOM = 5.0, 15.0
SELDOM = ("consumer.offsets-committed", "delivery.", "intake.record-done", "timer.", "vault.")
LATEST = 3
MISSES = 2
NEVER = 1_000_000
TIMED = ("membership",)

_COLUMNS = """
SELECT substr(table_schema, length($1) + 1), table_name, column_name, data_type FROM information_schema.columns
WHERE starts_with(table_schema, $1) AND table_schema !~ '_(views|building)$' AND table_name <> 'provider_journal'
ORDER BY 1, 2, 3
"""


@dataclass
class Tally:
    """How often each failpoint was aimed at, and killed; and the services that were not killed there in all tries."""

    aimed: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)
    rounds: int = 0

    def begin_round(self) -> None:
        """Count a round; half-way what has never killed is tried again: there may be more by then that leads there."""
        self.rounds += 1
        if self.rounds == ROUNDS // 2:
            for service, name in list(self.missed):
                if not self.killed[name]:
                    del self.missed[service, name]

    def aim(self, service: str, chance: Random) -> str:
        """Return the failpoint for a service's next start: one of those that have killed least often."""
        names = [name for name in points_of(service) if self.missed[service, name] < MISSES]
        name = min(names, key=lambda name: (self.killed[name], self.aimed[name], chance.random()))
        self.aimed[name] += 1
        return name

    def time(self, service: str, name: str, chance: Random) -> int:
        """Return at which time the place shall kill: at the first where the service has been there too seldom."""
        return 1 if self.missed[service, name] > 0 else chance.randint(1, LATEST)

    def tell(self, service: str, name: str, *, was_reached: bool) -> None:
        """Note what became of a try; a place that a service has been killed at is never given up."""
        if was_reached:
            self.killed[name] += 1
            self.missed[service, name] = -NEVER
        else:
            self.missed[service, name] += 1


async def killed(rig: Rig, chance: Random) -> None:
    """Let every service die at one failpoint after another, and provoke what leads there."""
    tally: Tally = rig.memory.setdefault("tally", Tally())
    tally.begin_round()
    await asyncio.gather(*(_die(rig, service, tally, Random(chance.random())) for service in rig.services))


def points_of(service: str) -> list[str]:
    """Return the failpoints that a service may come to: those of the kernel's parts that it has, and its own."""
    own, has = f"services/{service.replace('-', '_')}/", catalogue.service(service)
    without = tuple(prefix for prefix, needs in NEEDS.items() if not needs(has))
    return sorted(
        name for name, place in places().items() if place.startswith(("shared/", own)) and not name.startswith(without)
    )


def _hears(service: Service) -> bool:
    return bool(service.hears or (service.views and service.views.hears))


def _appends(service: Service) -> bool:
    return bool(service.all_aggregates)


# what a service must have to come to a layer of the kernel, where not every service comes to it
NEEDS: dict[str, Callable[[Service], bool]] = {
    AT_MIGRATION: lambda _: False,  # the migrator's
    "catching-up.": _hears,
    "command.": _appends,
    "consumer.": _hears,
    "feed.": _appends,
    "gap.": _hears,
    "relay.": lambda service: bool(service.says),
    "store.": _appends,
    "timer.": lambda service: service.name in TIMED,
    "view.": lambda service: service.views is not None,
    "view.heard-": lambda service: bool(service.views and service.views.hears),
    "view.page-": lambda service: bool(service.views and not service.views.hears),
}


async def _die(rig: Rig, service: str, tally: Tally, chance: Random) -> None:
    """Start the service with one order after another, each as soon as the one before has killed it."""
    program = rig.services[service]
    for _ in range(TURNS):
        await program.down(SIGKILL)
        aimed = tally.aim(service, chance)
        if aimed.startswith(AT_REBUILD) and catalogue.service(service).views:
            await views_older(rig, service)
        program.start(**{VARIABLE: f"{aimed}:kill@{tally.time(service, aimed, chance)}"})
        program.kept = False
        provoking = asyncio.create_task(provoke(rig, aimed, chance))
        patience = PATIENCE_IF_SELDOM if aimed.startswith(SELDOM) else PATIENCE
        tally.tell(service, aimed, was_reached=await _dies(rig, program, patience))
        provoking.cancel()
        await asyncio.wait([provoking])
    await program.up()


async def _dies(rig: Rig, program: Program, patience: float) -> bool:
    """Return whether the process ends before it has been ready for as long as the patience."""
    until = math.inf
    while program.runs:
        if until == math.inf and await rig.is_ready(program.name):
            until = time.monotonic() + patience
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.1)
    return program.ended == -SIGKILL


async def were_all_reached(rig: Rig) -> None:
    """Say how often each failpoint has killed; raise AssertionError where one never has."""
    tally: Tally = rig.memory.pop("tally")
    wanted = sorted({name for service in SERVICES for name in points_of(service)})
    print("killed at " + ", ".join(f"{name} {tally.killed[name]}" for name in wanted), flush=True)
    never = [name for name in wanted if not tally.killed[name]]
    assert not never, f"no process was killed at {', '.join(never)}"


async def migrator_killed(rig: Rig, chance: Random) -> None:
    """Kill the migrator of a new cell at a step, and run it again: it goes on, and makes what it always makes."""
    settings = replace(rig.settings, cell=f"m{chance.randbytes(4).hex()}")
    place = chance.choice(sorted(name for name in places() if name.startswith(AT_MIGRATION)))
    order = {VARIABLE: f"{place}:kill@{chance.randint(1, len(SERVICES))}"}
    try:
        killed_there = await rig.branchline("migrate", settings=settings, **order)
        assert killed_there.status == -SIGKILL, killed_there.text
        again = await rig.branchline("migrate", settings=settings)
        assert again.status == 0, again.text
        assert await _columns(rig, settings) == await _columns(rig, rig.settings)
    finally:
        await wipe(settings)


async def _columns(rig: Rig, settings: Settings) -> list[tuple[str, ...]]:
    """Return all columns that a cell has in its stores, and which files made them."""
    connection = await rig.connect()
    try:
        found = [tuple(row) for row in await connection.fetch(_COLUMNS, f"{settings.cell}_")]
        for service in SERVICES:
            noted = await connection.fetch(" ".join(["SELECT name FROM", settings.schema(service) + ".migration"]))
            found += sorted((service, row["name"]) for row in noted)
        return found
    finally:
        await connection.close()


FAULTS = (
    Fault("services are killed at every failpoint", killed, rounds=ROUNDS, after=were_all_reached),
    Fault("the migrator is killed at every step", migrator_killed, sells=False),
)
