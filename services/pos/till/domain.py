"""A till: where it stands, and what the intake has noticed of what it sends. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from contracts.pos import ItemParked, TillFlagged, TillGapClosed, TillGapOpened, TillKind, TillRegistered
from shared.errors import Rejected
from shared.message import Command

SHAPE = 1
_TILLS = UUID("6f4b4a55-29b0-5f0e-9a52-0d4d5c1c7a04")

TillEvent = TillRegistered | TillGapOpened | TillGapClosed | TillFlagged | ItemParked
Span = tuple[int, int]


def till_id(till: str) -> UUID:
    """Return the id of the till's stream."""
    return uuid5(_TILLS, till)


class ParkedItem(BaseModel):
    """An item that was set aside now; `seq` is its number where it had a usable one."""

    model_config = ConfigDict(frozen=True)

    seq: int | None
    code: str


class RegisterTill(Command):
    """Let a till send."""

    till_id: UUID
    branch: str
    till: str
    kind: TillKind
    branch_is_known: bool = False  # brought by guards.gather


class NoteIntake(Command):
    """Tell what one request of a till showed: spans are the first and last number of what is missing."""

    till_id: UUID
    branch: str
    till: str
    opened: tuple[Span, ...] = ()
    closed: tuple[Span, ...] = ()
    flagged: tuple[int, ...] = ()
    parked: tuple[ParkedItem, ...] = ()


@dataclass(frozen=True)
class Till:
    """A till, or nothing yet."""

    branch: str = ""
    kind: TillKind | None = None


initial = Till()


def decide(command: RegisterTill | NoteIntake, till: Till) -> Sequence[TillEvent]:
    """Say what is new; a till stays at its branch and what it is, for its receipts are named after both."""
    match command:
        case RegisterTill():
            return _registered(command, till)
        case NoteIntake():
            return list(_noted(command))
        case _:
            assert_never(command)


def _registered(command: RegisterTill, till: Till) -> Sequence[TillRegistered]:
    if not command.branch_is_known:
        raise Rejected("branch-unknown", till=command.till, branch=command.branch)
    if till == Till(command.branch, command.kind):
        return []
    if till != initial:
        raise Rejected("till-fixed", till=command.till, branch=till.branch, kind=till.kind)
    return [TillRegistered(at=command.at, branch=command.branch, till=command.till, kind=command.kind)]


def _noted(command: NoteIntake) -> Iterable[TillEvent]:
    at, branch, till = command.at, command.branch, command.till
    for first, last in command.opened:
        yield TillGapOpened(at=at, branch=branch, till=till, first=first, last=last)
    for first, last in command.closed:
        yield TillGapClosed(at=at, branch=branch, till=till, first=first, last=last)
    for seq in command.flagged:
        yield TillFlagged(at=at, branch=branch, till=till, seq=seq, code="seq-reused")
    for item in command.parked:
        yield ItemParked(at=at, branch=branch, till=till, seq=item.seq, code=item.code)


def evolve(till: Till, event: TillEvent) -> Till:
    """Return the till after the event; what was noticed of it changes no rule."""
    match event:
        case TillRegistered(branch=branch, kind=kind):
            return Till(branch, kind)
        case TillGapOpened() | TillGapClosed() | TillFlagged() | ItemParked():
            return till
        case _:
            assert_never(event)
