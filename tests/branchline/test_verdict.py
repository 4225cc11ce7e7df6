"""What the journals say that the tills must have come to."""

from pathlib import Path

from branchline import chain
from branchline.simulation.journal import Entry, Journal
from branchline.simulation.mischief import parked
from branchline.simulation.verdict import read_journals

CHAIN = chain.load(Path(chain.__file__).with_name("chains") / "demo.yaml")


def clone(second: int) -> Entry:
    """Return a visit under a number that a sale has."""
    at = f"2026-11-27T10:00:{second:02}-05:00"
    item = {"seq": 1, "type": "check-in", "occurred_at": at, "data": {"customer": None}}
    return Entry(item, must=parked("seq-reused"), after=1)


def test_the_same_visit_under_a_used_number_is_set_aside_once_however_often_a_till_tells_it(tmp_path: Path) -> None:
    till = CHAIN.branches[0].till_codes()[0]
    journal = Journal(tmp_path, till)
    for second in (1, 1, 2):
        journal.write(clone(second))
    journal.close()
    assert read_journals(CHAIN, tmp_path).tills[till].parked == 2
