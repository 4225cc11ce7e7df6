"""What was published: every form of every version that ever was, with golden records, kept for ever.

A form is one file, `published/<service>/<event>.v<n>/<form>.json`, and a line with its checksum in `published/SUMS`.
Files and lines are only ever added, so the check needs no git and no registry. Until a form has left this machine
it may be taken back by hand, file and line.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from branchline.contracts.compatibility import breaches
from branchline.contracts.examples import golden
from branchline.contracts.told import Schema, Told, shape


@dataclass(frozen=True)
class Form:
    """A published form of an event version: `number` counts the forms of the version from 1."""

    subject: str
    number: int
    schema: Schema
    records: tuple[Any, ...]


class Published:
    """The folder of published forms."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._sums = folder, folder / "SUMS"

    def forms(self, subject: str) -> list[Form]:
        """Return the forms of `speaker.Event.vN`, oldest first."""
        files = sorted((self._folder / _place(subject)).glob("*.json"), key=lambda file: int(file.stem))
        read = [(int(file.stem), json.loads(file.read_text())) for file in files]
        return [Form(subject, number, form["schema"], tuple(form["records"])) for number, form in read]

    def subjects(self) -> set[str]:
        """Return all that was ever published, as `speaker.Event.vN`."""
        return {".".join(file.parent.relative_to(self._folder).parts) for file in self._folder.glob("*/*/*.json")}

    def breaches(self, told: Sequence[Told]) -> Iterator[str]:
        """Yield why the events as they are now cannot stand for a form that was published."""
        for one in told:
            schema = one.schema()
            for form in self.forms(one.subject):
                yield from (f"{one.subject}, form {form.number}: {why}" for why in breaches(form.schema, schema))

    def unpublished(self, told: Sequence[Told]) -> list[Told]:
        """Return the events whose form of now is not the one published last."""
        last = {one: self.forms(one.subject)[-1:] for one in told}
        return [one for one in told if [form.schema for form in last[one]] != [shape(one.schema())]]

    def publish(self, told: Sequence[Told]) -> None:
        """Add the form of now of each event."""
        for one in told:
            schema = one.schema()
            file = self._folder / _place(one.subject) / f"{len(self.forms(one.subject)) + 1}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(pretty({"schema": shape(schema), "records": golden(schema)}))
            with self._sums.open("a") as sums:
                sums.write(f"{_sum(file)}  {file.relative_to(self._folder).as_posix()}\n")

    def tampering(self) -> Iterator[str]:
        """Yield each published file that changed, went, or came without its line."""
        lines = [line.split("  ", 1) for line in self._sums.read_text().splitlines()] if self._sums.exists() else []
        for checksum, name in lines:
            file = self._folder / name
            if not file.exists():
                yield f"published/{name}: taken away; what was published stays"
            elif _sum(file) != checksum:
                yield f"published/{name}: changed; what was published stays as it was"
        listed = {name for _, name in lines}
        for file in sorted(self._folder.rglob("*.json")):
            if file.relative_to(self._folder).as_posix() not in listed:
                yield f"published/{file.relative_to(self._folder).as_posix()}: not listed in SUMS"


def pretty(value: Any) -> str:
    """Return the JSON text as files hold it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _place(subject: str) -> Path:
    speaker, stem = subject.split(".", 1)
    return Path(speaker, stem)


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
