"""A fault: what is broken, and put right again, in one round. The modules of `breaking` say which there are."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from random import Random
from typing import TypeAlias

from tests.faults import breaking
from tests.faults.rig import HEALED_WITHIN, Rig
from tests.faults.servers import Builder, one_broker

Strike: TypeAlias = Callable[[Rig, Random], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One row of the table. `strike` breaks and heals; all its chance comes from its Random, so that a seed repeats it.

    After every `heals_every` rounds all must have caught up; after the others the services need only be ready, so that
    the next round strikes while they catch up. Faults of one builder share running systems; with `own_cell` it begins
    on a new cell, which is thrown away after. `after` is called once, when the tills have closed, before everything is
    looked at. Without `sells` no till is open. To catch up may take `heals_within` seconds.
    """

    name: str
    strike: Strike
    rounds: int = 20
    heals_every: int = 1
    servers: Builder = one_broker
    own_cell: bool = False
    sells: bool = True
    after: Callable[[Rig], Awaitable[None]] | None = None
    heals_within: float = HEALED_WITHIN


def every_fault() -> list[Fault]:
    """Return the faults of all modules of `breaking`."""
    modules = sorted(module.name for module in iter_modules(breaking.__path__))
    return [fault for name in modules for fault in import_module(f"{breaking.__name__}.{name}").FAULTS]
