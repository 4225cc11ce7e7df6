"""A branch: its title, its time zone and its region. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from contracts.pos import BranchDescribed
from shared.message import Command

SHAPE = 1
_BRANCHES = UUID("6f4b4a55-29b0-5f0e-9a52-0d4d5c1c7a03")


def branch_id(branch: str) -> UUID:
    """Return the id of the branch's stream."""
    return uuid5(_BRANCHES, branch)


class DescribeBranch(Command):
    """Open a branch, or describe it anew. `zone` is an IANA time zone."""

    branch_id: UUID
    branch: str
    title: str
    zone: str
    region: str


@dataclass(frozen=True)
class Branch:
    """A branch as it was described last; empty before."""

    title: str = ""
    zone: str = ""
    region: str = ""


initial = Branch()


def decide(command: DescribeBranch, branch: Branch) -> Sequence[BranchDescribed]:
    """Say what is new; receipts keep the zone they were closed in."""
    if branch == Branch(command.title, command.zone, command.region):
        return []
    return [
        BranchDescribed(
            at=command.at, branch=command.branch, title=command.title, zone=command.zone, region=command.region
        )
    ]


def evolve(_branch: Branch, event: BranchDescribed) -> Branch:
    """Return the branch as described."""
    return Branch(event.title, event.zone, event.region)
