"""Whose turn it is: nobody waits long behind a branch that comes back with days of sales."""

from collections import Counter

from services.pos.intake.turns import LARGEST_TURN, MOST_WAITING, SHARED_TURN, Turns, Waiting

NOBODY: frozenset[str] = frozenset()


def waiting(till: str, size: int = 1, *, branch: str | None = None, since: float = 0.0) -> Waiting[str]:
    return Waiting(till, branch or till, till, size, since)


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
    assert served == {"A": 300, "B": 300}


def test_a_branch_that_was_away_has_saved_up_no_turns() -> None:
    turns = line(waiting("A", 500), waiting("B", 500))
    for _ in range(8):
        turns.next(NOBODY)
    turns.put(waiting("C", 500))
    shares = [told(turns.next(NOBODY)) for _ in range(3)]
    assert sum(turn.get("C", 0) for turn in shares) <= 200


def test_the_pieces_of_a_request_come_in_order_and_never_two_at_once() -> None:
    turns = line(waiting("A", 250), waiting("B", 250))
    first = turns.next(NOBODY)
    assert told(first) == {"A": 100}
    assert told(turns.next({"A"})) == {"B": 100}
    assert turns.next({"A", "B"}) == []
    assert [one.taken for one, _ in first] == [100]


def test_two_requests_of_one_till_are_not_taken_together() -> None:
    turns = line(waiting("A", 3), Waiting("again", "A", "A", 4, 0.0))
    assert told(turns.next(NOBODY)) == {"A": 3}
    assert told(turns.next(NOBODY)) == {"again": 4}


def test_a_branch_gets_no_more_than_half_of_the_room_that_is_left() -> None:
    turns = line(waiting("A", 500))
    let_in = 0
    while turns.has_room(f"flood-{let_in}", 250, -1):
        turns.put(waiting(f"flood-{let_in}", 250))
        let_in += 1
    assert 10 < let_in < MOST_WAITING / 250
    assert not turns.has_room("A", 250, -1)
    assert turns.has_room("live", 1, -1)


def test_a_branch_that_has_waited_too_long_sends_nothing_more_in() -> None:
    turns = line(waiting("A", 1, since=10.0), waiting("B", 1, since=11.0))
    assert not turns.has_room("A", 1, 10.5)
    assert turns.has_room("B", 1, 10.5)
    assert turns.has_room("C", 1, 10.5)


def test_a_request_of_any_size_is_let_in_when_nothing_waits() -> None:
    assert line().has_room("A", MOST_WAITING, 0)
