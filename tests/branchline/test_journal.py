"""A till forgets nothing that it may have sent, wherever it is killed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from branchline.simulation.journal import Entry, Journal, read_answers, read_entries

TILL = "TOR1-1"
WRITER = """
import sys
from pathlib import Path
from branchline.simulation.journal import Entry, Journal
journal = Journal(Path(sys.argv[1]), "TOR1-1")
while True:
    item = {"seq": journal.next_seq, "type": "check-in", "occurred_at": "2026-11-22T10:00:00Z", "data": {}}
    journal.write(Entry(item))
    if journal.next_seq % 7 == 0:
        print(journal.sync(), flush=True)
"""


def entry(seq: int, must: str = "accepted") -> Entry:
    data = {"receipt": str(100 + seq)}
    return Entry({"seq": seq, "type": "sale", "occurred_at": f"2026-11-22T10:00:{seq:02d}-05:00", "data": data}, must)


def seqs(folder: Path) -> list[int]:
    return [written.entry.seq for written in read_entries(folder / f"{TILL}.items")]


def test_what_was_synced_is_there_after_a_kill_and_the_till_goes_on_behind_it(tmp_path: Path) -> None:
    for _ in range(3):
        before = len(seqs(tmp_path))
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            synced = [int(writer.stdout.readline()) for _ in range(20)][-1]
            writer.send_signal(signal.SIGKILL)
        Journal(tmp_path, TILL).close()
        assert before < synced <= len(seqs(tmp_path))
        assert seqs(tmp_path) == list(range(1, len(seqs(tmp_path)) + 1))


def test_a_line_torn_by_a_kill_is_forgotten_for_it_was_never_sent(tmp_path: Path) -> None:
    journal = Journal(tmp_path, TILL)
    journal.write(entry(1))
    journal.write(entry(2))
    journal.close()
    path = tmp_path / f"{TILL}.items"
    whole = path.read_bytes()
    for cut in (len(whole) - 1, len(whole) - 9, whole.index(b"\n") + 2):
        path.write_bytes(whole[:cut])
        journal = Journal(tmp_path, TILL)
        assert (journal.length, journal.next_seq) == (1, 2)
        journal.write(entry(2))
        journal.close()
        assert path.read_bytes() == whole


def test_what_was_not_answered_waits_and_what_was_does_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path, TILL)
    for seq in (1, 2, 3):
        journal.write(entry(seq))
    journal.answer(1, "accepted")
    journal.close()
    again = Journal(tmp_path, TILL)
    assert list(again.waiting) == [0, 2]
    assert (again.next_seq, again.last_receipt) == (4, 103)
    again.close()
    assert list(read_answers(tmp_path / f"{TILL}.answers")) == [(1, "accepted")]


def test_an_answer_that_is_lost_only_makes_the_till_ask_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, TILL)
    journal.write(entry(1))
    journal.answer(0, "accepted")
    journal.close()
    (tmp_path / f"{TILL}.answers").write_bytes(b"0 accep")
    again = Journal(tmp_path, TILL)
    assert list(again.waiting) == [0]
    again.close()


def test_a_stray_number_moves_no_counter(tmp_path: Path) -> None:
    journal = Journal(tmp_path, TILL)
    journal.write(entry(1))
    journal.write(entry(2))
    journal.write(entry(1, "parked/seq-reused"))
    assert (journal.next_seq, journal.length, len(journal.waiting)) == (3, 3, 3)
    journal.close()


@pytest.mark.parametrize("name", ["items", "answers"])
def test_a_new_journal_is_empty(tmp_path: Path, name: str) -> None:
    assert not list(read_entries(tmp_path / f"{TILL}.{name}"))
