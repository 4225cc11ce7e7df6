"""The channel's rules hold through rounds of every fault, and each is needed: a round without it goes wrong."""

import pytest

from tests.faults.model.round import wrongs
from tests.faults.model.rules import PLANTED, Rules

ROUNDS = 60
MOST_ROUNDS = 200


def test_every_public_event_is_applied_once_and_in_order_whatever_happens() -> None:
    bad = {seed: found for seed in range(ROUNDS) if (found := wrongs(seed, Rules()))}
    assert not bad, f"play one again with `python -m tests.faults.model 1 SEED`: {bad}"


@pytest.mark.parametrize("name", PLANTED)
def test_a_rule_that_is_left_out_is_missed(name: str) -> None:
    assert any(wrongs(seed, PLANTED[name]) for seed in range(MOST_ROUNDS)), f"{MOST_ROUNDS} rounds went well"


def test_a_round_is_the_same_each_time() -> None:
    seed = next(seed for seed in range(MOST_ROUNDS) if wrongs(seed, PLANTED["no beat"]))
    assert wrongs(seed, PLANTED["no beat"]) == wrongs(seed, PLANTED["no beat"])
