"""`branchline contracts [--check]`: writes all that is generated from `contracts/`, or says what is stale or broken."""

import re
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import contracts
from branchline.contracts.asyncapi import document
from branchline.contracts.catalogue import catalogue, differences, houses, listeners
from branchline.contracts.published import Published, pretty
from branchline.contracts.told import Told, speakers, spoken, unlisted

FOLDER = Path(contracts.__path__[0])


@dataclass(frozen=True)
class Work:
    """What the folder `contracts/` should hold: the generated files by their place in it."""

    folder: Path
    told: tuple[Told, ...]
    files: dict[str, str]
    differences: tuple[str, ...] = ()

    @property
    def published(self) -> Published:
        """Return what was published before."""
        return Published(self.folder / "published")

    def broken(self) -> Iterator[str]:
        """Yield what no generating can mend."""
        yield from self.differences
        yield from self.published.tampering()
        yield from self.published.breaches(self.told)
        yield from _unchronicled(self.folder / "CHANGES.md", self.told, self.published)

    def stale(self) -> Iterator[str]:
        """Yield the files that are not what they should be."""
        for name, text in self.files.items():
            file = self.folder / name
            if not file.exists() or file.read_text() != text:
                yield f"{name}: stale"
        yield from (f"{name}: no event has it" for name in self.surplus())
        yield from (f"{one.subject}: its form is not published" for one in self.published.unpublished(self.told))

    def surplus(self) -> list[str]:
        """Return the schema files that nobody would generate now."""
        there = (file.relative_to(self.folder).as_posix() for file in sorted((self.folder / "schemas").rglob("*.json")))
        return [name for name in there if name not in self.files]

    def write(self) -> None:
        """Bring the folder up to date."""
        for name in self.surplus():
            (self.folder / name).unlink()
        for name, text in self.files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        self.published.publish(self.published.unpublished(self.told))


def work(folder: Path = FOLDER) -> Work:
    """Return what should be in `folder`, from the classes and apps of now."""
    told, packages = tuple(spoken()), houses()
    apps = [app for _, app in packages.values()]
    heard = listeners(told, apps)
    files = {f"schemas/{one.speaker}/{one.stem}.json": pretty(one.schema()) for one in told}
    files["schemas/asyncapi.json"] = pretty(document(told, heard))
    files["CATALOG.md"] = catalogue(told, heard, packages)
    return Work(folder, told, files, (*unlisted(speakers()), *differences(told, apps)))


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "contracts", help="write what is generated from contracts/, or check that it is fresh"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something is stale or broken")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Check or write, and print what is wrong."""
    wrong = wrongs(check=arguments.check)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if wrong and arguments.check:
        print("`branchline contracts` writes what is stale or not published; the rest is for hands", file=sys.stderr)
    return 1 if wrong else 0


def wrongs(*, check: bool, folder: Path = FOLDER) -> list[str]:
    """Check or write; return what is wrong, a sentence each. Nothing is written while something is broken."""
    wanted = work(folder)
    wrong = list(wanted.broken())
    if check:
        return wrong + list(wanted.stale())
    if not wrong:
        wanted.write()
    return wrong


def _unchronicled(changes: Path, told: Sequence[Told], published: Published) -> Iterator[str]:
    text = changes.read_text() if changes.exists() else ""
    now = {one.subject for one in told}
    for subject in sorted(now):
        if not re.search(rf"new {re.escape(subject)}(?![\w.])", text):
            yield f"CHANGES.md has no line `new {subject}`"
    for subject in sorted(published.subjects() - now):
        if not re.search(rf"retired {re.escape(subject)}(?![\w.])", text):
            yield f"{subject} was published and has no class, and CHANGES.md has no line `retired {subject}`"
