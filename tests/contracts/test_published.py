"""What was ever published is read by the classes of now, and what they tell by those who know only the old form."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from branchline.contracts.command import FOLDER, Work, work, wrongs
from branchline.contracts.published import Form, Published
from branchline.contracts.told import Told, spoken
from contracts.pos import SaleRecorded, TillRegistered
from shared.message import Event
from tests.contracts.readers import reads, trips

TOLD = tuple(spoken())
FORMS = [(one, form) for one in TOLD for form in Published(FOLDER / "published").forms(one.subject)]
NAMES = [f"{form.subject}-{form.number}" for _, form in FORMS]


class SaleRecordedWithTip(SaleRecorded):
    """A receipt was closed, perhaps with a tip."""

    tip_minor: int = 0


class SaleRecordedWithShift(SaleRecorded):
    """A receipt was closed in a shift."""

    shift: str


def as_one(told: Told, event: type[Event]) -> Told:
    """Return the event told under the name of another, as if its class had been changed."""
    event.name, event.version = told.event.name, told.event.version
    return replace(told, event=event)


@pytest.mark.parametrize(("one", "form"), FORMS, ids=NAMES)
def test_golden_records_are_read_whole(one: Told, form: Form) -> None:
    assert form.records
    for record in form.records:
        reads(one.event, record)


@pytest.mark.parametrize(("one", "form"), FORMS, ids=NAMES)
def test_older_and_newer_read_each_other(one: Told, form: Form) -> None:
    assert trips(form.schema, one.event) is None


def test_every_event_is_published_once_at_least() -> None:
    assert {one.subject for one in TOLD} == {form.subject for _, form in FORMS}


@pytest.fixture
def copy(tmp_path: Path) -> Work:
    """Return the work on a copy of the folder, in which everything is fresh."""
    shutil.copytree(FOLDER, tmp_path / "contracts", ignore=shutil.ignore_patterns("__pycache__"))
    return replace(work(), folder=tmp_path / "contracts")


def wrong(of: Work) -> list[str]:
    """Return what the check says."""
    return [*of.broken(), *of.stale()]


def sale(of: Work) -> Told:
    """Return the sale among the events."""
    return next(one for one in of.told if one.event is SaleRecorded)


def with_sale(of: Work, event: type[Event]) -> Work:
    """Return the work after the class of the sale was changed."""
    now = as_one(sale(of), event)
    return replace(of, told=tuple(now if one.event is SaleRecorded else one for one in of.told))


def test_the_committed_files_are_fresh() -> None:
    assert wrongs(check=True) == []


def test_writing_again_changes_nothing(copy: Work) -> None:
    before = {file: file.read_bytes() for file in copy.folder.rglob("*") if file.is_file()}
    copy.write()
    assert {file: file.read_bytes() for file in copy.folder.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("name", ["CATALOG.md", "schemas/asyncapi.json", "schemas/pos/SaleRecorded.v1.json"])
def test_a_stale_file_is_seen_and_mended(copy: Work, name: str) -> None:
    (copy.folder / name).write_text((copy.folder / name).read_text().replace("receipt", "bill"))
    assert wrong(copy) == [f"{name}: stale"]
    copy.write()
    assert wrong(copy) == []


def test_a_schema_of_no_event_is_seen_and_taken_away(copy: Work) -> None:
    (copy.folder / "schemas/pos/SaleDoubled.v1.json").write_text("{}")
    assert wrong(copy) == ["schemas/pos/SaleDoubled.v1.json: no event has it"]
    copy.write()
    assert wrong(copy) == []


def test_an_optional_field_makes_a_second_form_beside_the_first(copy: Work) -> None:
    grown = with_sale(copy, SaleRecordedWithTip)
    assert list(grown.broken()) == []
    grown.write()
    assert [form.number for form in grown.published.forms("pos.SaleRecorded.v1")] == [1, 2]
    assert list(grown.published.tampering()) == []


def test_a_field_may_not_go_again_after_it_was_published(copy: Work) -> None:
    with_sale(copy, SaleRecordedWithTip).write()
    assert list(copy.broken()) == ["pos.SaleRecorded.v1, form 2: $.tip_minor: removed"]


def test_a_change_that_breaks_readers_stops_the_check(copy: Work) -> None:
    broken = with_sale(copy, SaleRecordedWithShift)
    assert list(broken.broken()) == ["pos.SaleRecorded.v1, form 1: $.shift: new and required"]


def test_an_event_may_not_vanish_but_be_retired(copy: Work) -> None:
    left = replace(copy, told=tuple(one for one in copy.told if one.event is not TillRegistered))
    (complaint,) = left.broken()
    assert complaint.startswith("pos.TillRegistered.v1 was published and has no class")
    with (copy.folder / "CHANGES.md").open("a") as changes:
        changes.write("- retired pos.TillRegistered.v1: nobody reads it\n")
    assert list(left.broken()) == []


def test_a_new_event_needs_a_line_of_its_own(copy: Work) -> None:
    text = (copy.folder / "CHANGES.md").read_text().replace("new pos.SaleRecorded.v1", "new pos.SaleRecorded.v12")
    (copy.folder / "CHANGES.md").write_text(text)
    assert list(copy.broken()) == ["CHANGES.md has no line `new pos.SaleRecorded.v1`"]


def test_what_was_published_stays_as_it_was(copy: Work) -> None:
    first = copy.folder / "published/pos/SaleRecorded.v1/1.json"
    first.write_text(first.read_text().replace("sale_id", "sold_id"))
    (copy.folder / "published/pos/SaleRefunded.v1/1.json").unlink()
    (copy.folder / "published/pos/SaleRefunded.v1/3.json").write_text(first.read_text())
    said = " ".join(copy.published.tampering())
    assert "SaleRecorded.v1/1.json: changed" in said
    assert "SaleRefunded.v1/1.json: taken away" in said
    assert "SaleRefunded.v1/3.json: not listed" in said
