"""A till's own memory: every item on disk before it is first sent, and what was answered. Survives a kill at any byte.

An item is a line of JSON in `TILL.items`; answers are lines `place outcome` in `TILL.answers`, where a place is that of
the item in the first file, from 0. Items are synced to the disk, answers are not: an item without answer is sent again.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

ACCEPTED = "accepted"
DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened at a till, as it is sent. `must` is what the town expects the door to say of it.

    `after` is a sequence number whose answer has to be there before this is sent; None where the order is free.
    """

    item: dict[str, Any]
    must: str = ACCEPTED
    after: int | None = None

    @property
    def seq(self) -> int:
        """Return the till's sequence number; a stray entry repeats the one of another."""
        return int(self.item["seq"])


@dataclass(frozen=True, slots=True)
class Written:
    """An entry and its place in the journal."""

    place: int
    entry: Entry


class Journal:
    """One till's journal, open for writing. Only one process at a time may have it open."""

    def __init__(self, folder: Path, till: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        items, answers = folder / f"{till}.items", folder / f"{till}.answers"
        for path in (items, answers):
            _cut_torn_end(path)
        self.till = till
        self.next_seq = 1
        self.length = 0
        self.waiting: dict[int, Entry] = {}
        self.last_receipt = 0
        self.last_at: datetime | None = None
        for written in read_entries(items):
            self._remember(written.entry)
        for place, _ in read_answers(answers):
            self.waiting.pop(place, None)
        self._items = items.open("ab")
        self._answers = answers.open("ab")
        self._synced = self.length
        _sync_folder(folder)

    def write(self, entry: Entry) -> None:
        """Add an entry; it may be sent when it is synced."""
        self._items.write(orjson.dumps([entry.item, entry.must, entry.after]) + b"\n")
        self._remember(entry)

    def sync(self) -> int:
        """Bring all entries to the disk; return how many there are. Blocks for as long as the disk takes."""
        if self._synced < self.length:
            length = self.length
            self._items.flush()
            os.fdatasync(self._items.fileno())
            self._synced = length
        return self._synced

    def answer(self, place: int, outcome: str) -> None:
        """Note what was answered; an answer to an entry that had one already is noted too."""
        self._answers.write(f"{place} {outcome}\n".encode())
        self.waiting.pop(place, None)

    def close(self) -> None:
        """Bring everything to the disk and close."""
        self.sync()
        self._items.close()
        self._answers.close()

    def _remember(self, entry: Entry) -> None:
        self.waiting[self.length] = entry
        self.length += 1
        self.next_seq = max(self.next_seq, entry.seq + 1)
        if entry.must == ACCEPTED:
            self.last_at = datetime.fromisoformat(entry.item["occurred_at"])
        number = str(entry.item.get("data", {}).get("receipt", ""))
        if entry.item.get("type") == "sale" and number.isdigit():
            self.last_receipt = max(self.last_receipt, int(number))


def tills_of(folder: Path) -> set[str]:
    """Return the tills that have a journal in the folder."""
    return {path.stem for path in folder.glob("*.items")}


def read_entries(path: Path) -> Iterator[Written]:
    """Give the entries of a file in the order they were written; a torn last line is passed over."""
    for place, line in enumerate(_whole_lines(path)):
        item, must, after = orjson.loads(line)
        yield Written(place, Entry(item, must, after))


def read_answers(path: Path) -> Iterator[tuple[int, str]]:
    """Give the places and outcomes of a file of answers, oldest first."""
    for line in _whole_lines(path):
        place, _, outcome = line.decode().partition(" ")
        yield int(place), outcome.strip()


def _whole_lines(path: Path) -> Iterable[bytes]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _cut_torn_end(path: Path) -> None:
    """Take away a last line without its end: the process was killed while writing it, so it was never sent."""
    if not path.is_file():
        return
    with path.open("r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
