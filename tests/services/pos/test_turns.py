"""Whose turn it is: nobody waits long behind a branch that comes back with days of sales."""

from collections import Counter

from services.pos.intake.turns import LARGEST_TURN, SHARED_TURN, Turns, Waiting

NOBODY: frozenset[str] = frozenset()


def waiting(till: str, size: int = 1, *, branch: str | None = None) -> Waiting[str]:
    return Waiting(till, branch or till, till, size)


def line(*those: Waiting[str]) -> Turns[str]:
    turns: Turns[str] = Turns()
    for one in those:
        turns.put(one)
    return turns


def told(turn: list[tuple[Waiting[str], int]]) -> dict[str, int]:
    return {one.what: share for one, share in turn}


def test_all_that_waits_of_several_branches_has_its_turn_together() -> None:
    turns = line(*(waiting(name, 2) for name in "ABCDE"))
    assert told(turns.next(NOBODY)) == dict.fromkeys("ABCDE", 2)
    assert turns.next(NOBODY) == []
    assert turns.items == 0


def test_who_is_alone_has_a_large_turn() -> None:
    assert told(line(waiting("A", LARGEST_TURN)).next(NOBODY)) == {"A": LARGEST_TURN}


def test_a_live_till_is_taken_in_the_next_turn_however_much_others_have() -> None:
    turns = line(*(waiting(f"flood-{n}", 250) for n in range(10)))
    turns.next(NOBODY)
    turns.put(waiting("live"))
    assert told(turns.next(NOBODY))["live"] == 1


def test_branches_with_much_are_served_alike() -> None:
    turns = line(*(waiting(till, 500, branch=till[0]) for till in ("A1", "A2", "B1")))
    served: Counter[str] = Counter()
    for _ in range(6):
        turn = turns.next(NOBODY)
        assert sum(share for _, share in turn) == SHARED_TURN
        for one, share in turn:
            served[one.branch] += share
    assert served == {"A": 3 * SHARED_TURN, "B": 3 * SHARED_TURN}


def test_a_branch_that_was_away_has_saved_up_no_turns() -> None:
    turns = line(waiting("A", 500), waiting("B", 500))
    for _ in range(8):
        turns.next(NOBODY)
    turns.put(waiting("C", 500))
    shares = [told(turns.next(NOBODY)) for _ in range(3)]
    assert sum(turn.get("C", 0) for turn in shares) <= 2 * SHARED_TURN


def test_the_pieces_of_a_request_come_in_order_and_never_two_at_once() -> None:
    turns = line(waiting("A", 250), waiting("B", 250))
    first = turns.next(NOBODY)
    assert told(first) == {"A": SHARED_TURN}
    assert told(turns.next({"A"})) == {"B": SHARED_TURN}
    assert turns.next({"A", "B"}) == []
    assert [one.taken for one, _ in first] == [SHARED_TURN]


def test_two_requests_of_one_till_are_not_taken_together() -> None:
    turns = line(waiting("A", 3), Waiting("again", "A", "A", 4))
    assert told(turns.next(NOBODY)) == {"A": 3}
    assert told(turns.next(NOBODY)) == {"again": 4}


def test_behind_a_flood_a_live_till_waits_for_as_much_of_each_as_it_has_itself() -> None:
    turns = line(*(waiting(f"flood-{n}", 250) for n in range(10)))
    assert turns.ahead("live", 1) == 10
    assert turns.ahead("live", 250) == 2500
    assert turns.ahead("flood-1", 1) == 2500
    assert turns.ahead("flood-1", 0) == 2500


def test_where_nothing_waits_nothing_is_ahead_of_any_request() -> None:
    assert line().ahead("A", LARGEST_TURN) == 0


def test_who_is_alone_waits_for_what_he_sent_himself() -> None:
    assert line(waiting("A", 30), waiting("again", 4, branch="A")).ahead("A", 1) == 34
