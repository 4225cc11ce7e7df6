"""`python -m tests.faults.model [ROUNDS] [FIRST]`: rounds by all the rules, and by each variant until it shows."""

import argparse
import sys
import time

from tests.faults.model.round import bad_rounds, wrongs
from tests.faults.model.rules import PLANTED, Rules

ROUNDS = 1000
ROUNDS_OF_A_VARIANT = 200


def main() -> int:
    """Print the bad rounds; return 1 when there is one by all the rules, or none where a rule was left out."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.model")
    parser.add_argument("rounds", type=int, nargs="?", default=ROUNDS)
    parser.add_argument("first", type=int, nargs="?", default=0, help="the first seed")
    asked = parser.parse_args()
    began = time.monotonic()
    bad = bad_rounds(Rules(), range(asked.first, asked.first + asked.rounds))
    speed = asked.rounds / (time.monotonic() - began)
    print(f"all the rules: {len(bad)} bad of {asked.rounds} rounds from seed {asked.first}, {speed:.0f} a second")
    for seed in bad:
        print(f"  seed {seed}: {'; '.join(wrongs(seed, Rules()))}")
    unseen = 0
    for name, rules in PLANTED.items():
        seeds = range(asked.first, asked.first + min(asked.rounds, ROUNDS_OF_A_VARIANT))
        found = next((seed for seed in seeds if wrongs(seed, rules)), None)
        unseen += found is None
        print(f"{name}: {'not seen' if found is None else f'bad at seed {found}'}", flush=True)
    return 1 if bad or unseen else 0


if __name__ == "__main__":
    sys.exit(main())
