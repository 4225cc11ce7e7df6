"""A chain's tills at their worst, and books that are right all the same: the simulation says equal, or what differs."""

from pathlib import Path

from shared.settings import Settings
from tests.cell import cell
from tests.journeys.shell import branchline

SHORT = ("--for", "6", "--sales-per-second", "60", "--customers", "300")


async def test_the_books_equal_the_journals_and_a_second_session_goes_on_with_them(
    settings: Settings, tmp_path: Path
) -> None:
    journals = ("--journals", str(tmp_path / "journals"))
    async with cell(settings):
        for session in (1, 2):
            said = await branchline(settings, "simulate", *SHORT, *journals)
            assert said.status == 0, said.text
            assert f"session {session}:" in said.text
            assert "\nequal: 12 branches on " in said.text


async def test_a_receipt_taken_out_of_a_journal_is_missed_by_the_comparison(settings: Settings, tmp_path: Path) -> None:
    journals = tmp_path / "journals"
    async with cell(settings):
        said = await branchline(settings, "simulate", *SHORT, "--journals", str(journals))
        assert said.status == 0, said.text
        path = journals / "VAN1-1.items"
        lines = path.read_bytes().splitlines(keepends=True)
        bought = max(
            (line for line in lines if b'"sale"' in line and b'"accepted"' in line and b":-" not in line), key=len
        )
        path.write_bytes(
            b"".join(line.replace(b'"net_minor":', b'"net_minor":1') if line == bought else line for line in lines)
        )
        said = await branchline(settings, "simulate", *SHORT, "--journals", str(journals))
        assert said.status == 1, said.text
        assert "not equal:" in said.text
        assert "VAN1 on " in said.text


async def test_journals_of_another_run_are_not_taken(settings: Settings, tmp_path: Path) -> None:
    async with cell(settings):
        assert (await branchline(settings, "simulate", *SHORT, "--journals", str(tmp_path / "one"))).status == 0
        said = await branchline(settings, "simulate", *SHORT, "--journals", str(tmp_path / "another"))
        assert (said.status, "give the folder of its journals" in said.text) == (2, True), said.text


async def test_the_tills_of_half_a_town_are_not_taken_for_all_of_it(settings: Settings, tmp_path: Path) -> None:
    journals = ("--journals", str(tmp_path))
    (tmp_path / "TOR1-1.items").touch()
    async with cell(settings):
        said = await branchline(settings, "simulate", *SHORT, *journals)
        assert (said.status, "has the journal of TOR1-1 too" in said.text) == (2, True), said.text
