"""A till keeps its branch, and what is missing of what it sends is known exactly."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.pos import ItemParked, TillFlagged, TillGapClosed, TillGapOpened, TillKind, TillRegistered
from services.pos.till import domain
from services.pos.till.domain import NoteIntake, ParkedItem, RegisterTill, till_id
from services.pos.till.gaps import Arrival, Piece, arrive
from tests.scenario import Scenario

TILL = Scenario(domain)
AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
WHERE: dict[str, Any] = {"at": AT, "branch": "TOR1", "till": "TOR1-1"}
REGISTERED = TillRegistered(**WHERE, kind=TillKind.TILL)


def register(branch: str = "TOR1", kind: TillKind = TillKind.TILL, *, known: bool = True) -> RegisterTill:
    return RegisterTill(
        at=AT, till_id=till_id("TOR1-1"), branch=branch, till="TOR1-1", kind=kind, branch_is_known=known
    )


def test_a_till_is_registered_once() -> None:
    TILL.when(register()).then(REGISTERED)
    TILL.given(REGISTERED).when(register()).then()


def test_a_till_needs_a_branch_to_stand_in() -> None:
    TILL.when(register(known=False)).rejected("branch-unknown")


def test_a_till_does_not_move_and_does_not_become_something_else() -> None:
    TILL.given(REGISTERED).when(register(branch="VAN1")).rejected("till-fixed")
    TILL.given(REGISTERED).when(register(kind=TillKind.IMPORT)).rejected("till-fixed")


def test_what_was_noticed_of_a_till_is_told() -> None:
    noticed = NoteIntake(
        **WHERE,
        till_id=till_id("TOR1-1"),
        opened=((5, 6),),
        closed=((1, 2),),
        flagged=(3,),
        parked=(ParkedItem(seq=None, code="malformed"),),
    )
    TILL.given(REGISTERED).when(noticed).then(
        TillGapOpened(**WHERE, first=5, last=6),
        TillGapClosed(**WHERE, first=1, last=2),
        TillFlagged(**WHERE, seq=3, code="seq-reused"),
        ItemParked(**WHERE, seq=None, code="malformed"),
    )


def test_numbers_in_a_row_leave_no_gap() -> None:
    assert arrive(4, (), {5, 6, 7}) == Arrival(7, (), (), ())


def test_a_jump_opens_a_gap_and_the_first_number_is_one() -> None:
    assert arrive(0, (), {3}) == Arrival(3, ((1, 2),), (), (Piece(1, 2, (1, 2)),))


def test_two_jumps_in_one_batch_open_two_gaps() -> None:
    assert arrive(1, (), {6, 3}).opened == ((2, 2), (4, 5))


def test_a_gap_that_is_split_is_still_the_gap_that_opened() -> None:
    halves = (Piece(1, 4, (1, 9)), Piece(6, 9, (1, 9)))
    assert arrive(10, (Piece(1, 9, (1, 9)),), {5}) == Arrival(10, (), (), halves)


def test_a_gap_closes_when_the_last_of_it_has_come() -> None:
    halves = (Piece(4, 4, (1, 9)), Piece(6, 6, (1, 9)))
    assert arrive(10, halves, {6}) == Arrival(10, (), (), (Piece(4, 4, (1, 9)),))
    assert arrive(10, halves, {4, 6}) == Arrival(10, (), ((1, 9),), ())


@given(st.lists(st.sets(st.integers(1, 40), min_size=1, max_size=8), max_size=12))
def test_in_whatever_order_numbers_come_just_the_missing_ones_are_missing(batches: list[set[int]]) -> None:
    high, pieces, come = 0, list[Piece](), set[int]()
    still_open: list[tuple[int, int]] = []
    for seqs in batches:
        new = seqs - come
        touched = {piece.gap for piece in pieces for seq in new if piece.first <= seq <= piece.last}
        arrival = arrive(high, [piece for piece in pieces if piece.gap in touched], new)
        pieces = [piece for piece in pieces if piece.gap not in touched] + list(arrival.pieces)
        high, come = arrival.high, come | new
        still_open = [gap for gap in [*still_open, *arrival.opened] if gap not in arrival.closed]
        missing = [seq for piece in pieces for seq in range(piece.first, piece.last + 1)]
        assert sorted(missing) == sorted(set(range(1, high + 1)) - come)
        assert {piece.gap for piece in pieces} == set(still_open)
    assert high == max(come, default=0)
