"""One import of a salon's receipts, and its ledger: each receipt, six statements, a rehearsal and its correction.

The tests are in the order of the file: the last corrects what the others have looked at.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from branchline import chain
from contracts.pos import sale_id
from tests.cell import Cell, cell
from tests.journeys.bookkeeping import BOOKS, WITH_COLOUR_SINCE_JUNE, Book
from tests.journeys.chain_books import BRANCH, TILL, events, figures, has_come_true, ids_of, summary
from tests.journeys.colour import Counted, colours, counted
from tests.journeys.rehearsing import Rehearsal, draft, rehearse
from tests.journeys.salon import REAL, Expected, Salon, expected, salon
from tests.journeys.shell import Said, branchline
from tests.journeys.statement_page import StatementPage, read
from tests.servers import Servers, new_cell

TORONTO = Path(chain.__file__).with_name("chains") / "toronto.yaml"
YEAR, NEXT_YEAR, JUNE = ("2018-01-01", "2018-12-31"), ("2019-01-01", "2019-12-31"), ("2018-06-01", "2018-06-30")
YEAR_END = "2018-12-31T23:59:59-05:00"
FIRST_DAY, FIRST_OF_JUNE = date(2018, 1, 1), date(2018, 6, 1)
SINCE_JUNE = ("--from", "2018-06-01T00:00:00-04:00")
SIGNED = ("--correct", "--reason", "colour-was-promised", "--by", "00000000-0000-4000-8000-000000000007")


@dataclass(frozen=True)
class Imported:
    """The services at work, with all receipts of the salon heard; `said` is what the import did."""

    at_work: Cell
    source: Salon
    said: Said

    @property
    def told(self) -> Expected:
        """Return what must have come of it."""
        return expected(self.source.rows())


@pytest.fixture(scope="module")
async def imported(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Imported]:
    """Yield a chain into which a salon's receipts have been imported."""
    folder = tmp_path_factory.mktemp("salon")
    source = salon(folder)
    async with new_cell(servers, folder) as settings, cell(settings) as at_work:
        assert "new: branch TOR1" in (await branchline(settings, "chain", "apply", str(TORONTO))).text
        assert (await branchline(settings, "chain", "apply", str(TORONTO))).text == "nothing changed\n"
        said = await branchline(settings, "import", "receipts", str(source.path), "--branch", BRANCH)
        await at_work.settled()
        yield Imported(at_work, source, said)


async def test_every_receipt_of_the_export_earns_what_it_must_and_a_second_import_changes_nothing(
    imported: Imported,
) -> None:
    at_work, source, told = imported.at_work, imported.source, imported.told
    if source.is_real:
        assert (told.receipts, told.lines, told.net, len(told.points)) == REAL
    assert imported.said.status == 0, imported.said.text
    assert f"{told.receipts:,} accepted, 0 duplicate, 0 parked" in imported.said.text
    assert f"net {told.net:,.2f} CAD" in imported.said.text
    await has_come_true(at_work, told, {row["Receipt"] for row in source.rows()})

    before = await events(at_work)
    second = await branchline(at_work.settings, "import", "receipts", str(source.path), "--branch", BRANCH)
    assert (second.status, "0 accepted" in second.text) == (0, True), second.text
    await at_work.settled()
    assert await events(at_work) == before


async def statement(at_work: Cell, who: UUID, period: tuple[str, str]) -> StatementPage:
    asked = {"from": period[0], "to": period[1], "lang": "en"}
    answer = await at_work.client("loyalty-points").get(f"/v1/accounts/{who}/statement", params=asked)
    answer.raise_for_status()
    return read(answer.text)


def signed(points: int) -> str:
    return f"+{points}" if points > 0 else f"−{-points}" if points else "0"


def page_of(book: Book) -> StatementPage:
    """Return her statement of 2018: nothing before, her receipts, and all of it good until the year is over."""
    end = str(book.at_year_end)
    nothing = {"opening": "0", "redeemed": "0", "expired": "0", "taken_back": "0"}
    return StatementPage(
        nothing | {"earned": signed(book.at_year_end), "closing": end},
        [(f"{one.on}, 2018", BRANCH, "Dec 31, 2018", str(one.points)) for one in book.entries],
        [
            (f"{one.on}, 2018", "Earned", BRANCH, str(one.number), signed(one.points), str(one.balance))
            for one in book.entries
        ],
    )


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.client)
async def test_a_statement_says_what_was_worked_out_by_hand(imported: Imported, book: Book) -> None:
    if not imported.source.is_real:
        pytest.skip("the export of the salon is not here (BRANCHLINE_SALON says where it is)")
    hers: dict[int, list[Decimal]] = {}
    for row in imported.source.rows():
        if row["Client"] == book.client:
            hers.setdefault(int(row["Receipt"]), []).append(Decimal(row["Amount"]))
    assert {number: sorted(amounts) for number, amounts in hers.items()} == {p.number: p.amounts for p in book.papers}
    assert [sum(paper.amounts) for paper in book.papers] == [Decimal(paper.net) for paper in book.papers]

    at_work = imported.at_work
    who = (await ids_of(at_work, [book.client]))[book.client]
    year = await statement(at_work, who, YEAR)
    assert (year.sums, year.lines) == (page_of(book).sums, page_of(book).lines)
    assert sorted(year.lots) == sorted(page_of(book).lots)
    june = (await statement(at_work, who, JUNE)).sums
    assert (june["opening"], june["earned"]) == (str(book.before_june), signed(book.in_june))
    assert june["closing"] == str(book.before_june + book.in_june)
    after = await statement(at_work, who, NEXT_YEAR)
    assert (after.sums["opening"], after.sums["closing"]) == (str(book.at_year_end), "0")
    gone = [("Jan 1, 2019", "Expired", BRANCH, "", signed(-book.at_year_end), "0")] if book.entries else []
    assert (after.lines, after.lots) == (gone, [])


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.client)
async def test_what_she_had_at_the_years_end_is_explained_by_her_receipts(imported: Imported, book: Book) -> None:
    if not imported.source.is_real:
        pytest.skip("the export of the salon is not here (BRANCHLINE_SALON says where it is)")
    who = (await ids_of(imported.at_work, [book.client]))[book.client]
    client = imported.at_work.client("loyalty-points")
    account = (await client.get(f"/v1/accounts/{who}", params={"as_of": YEAR_END})).json()
    assert (account["available"], account["debt"]) == (book.at_year_end, 0)
    assert ((account["next_expiry"] or {}).get("points", 0)) == book.at_year_end
    asked = {"figure": "available", "as_of": YEAR_END}
    parts = (await client.get(f"/v1/accounts/{who}/explain", params=asked)).json()["parts"]
    assert sorted((part["event"]["receipt"]["number"], part["points"]) for part in parts) == sorted(
        (str(one.number), one.points) for one in book.entries
    )
    now = (await client.get(f"/v1/accounts/{who}")).json()
    assert (now["balance"], now["earned"], now["expired"]) == (0, book.at_year_end, book.at_year_end)


def says(rehearsal: Rehearsal, told: Counted) -> None:
    """Look at every figure: by month in the file, the table and the plot, and who gains."""
    assert rehearsal.by_month("receipts") == told.receipts
    assert rehearsal.by_month("now") == told.was
    assert rehearsal.more == dict(told.more)
    difference, gain = sum(told.more.values()), len(told.gains)
    assert rehearsal.figures["difference"] == difference
    assert (rehearsal.figures["owed"], rehearsal.figures["liability_minor"]) == (0, 0)  # it were over since 2019
    assert rehearsal.figures["customers"] == {"gain": gain, "lose": 0, "same": len(told.seen) - gain}
    most = sorted(told.gains.values(), reverse=True)[:10]
    assert [one["difference"] for one in rehearsal.figures["most"]] == most
    assert f"{difference:+,} points, of which +0 are still good: 0.00 CAD of liability" in rehearsal.said.text
    assert {month: text for month, (text, _) in rehearsal.bars.items()} == {m: f"{p:+,}" for m, p in told.more.items()}
    highest = max(told.more.values())
    for month, (_, height) in rehearsal.bars.items():
        assert height == pytest.approx(120 * told.more[month] / highest, abs=0.05), month


async def earned(at_work: Cell, told: Counted) -> dict[str, Counter[UUID]]:
    """Return what each customer has earned by receipt, all lots of it together."""
    sums: dict[str, Counter[UUID]] = {}
    for client, who in (await ids_of(at_work, sorted(told.now))).items():
        account = (await at_work.client("loyalty-points").get(f"/v1/accounts/{who}")).json()
        sums[client] = Counter()
        for entry in account.get("entries", []):
            if entry["kind"] == "earned":
                sums[client][UUID(entry["sale_id"])] += entry["points"]
        assert account.get("earned", 0) == account.get("expired", 0) == sums[client].total()
    return sums


async def test_colour_at_half_as_much_again_is_rehearsed_by_month_then_published_and_corrected_once(
    imported: Imported, tmp_path: Path
) -> None:
    at_work, source, settings = imported.at_work, imported.source, imported.at_work.settings
    file = draft(TORONTO, colours(source), tmp_path)
    before, always, since_june = await events(at_work), counted(source, FIRST_DAY), counted(source, FIRST_OF_JUNE)
    says(await rehearse(settings, file), always)
    june = await rehearse(settings, file, *SINCE_JUNE)
    says(june, since_june)
    assert await events(at_work) == before

    corrected = await rehearse(settings, file, *SINCE_JUNE, *SIGNED)
    assert corrected.figures == june.figures
    more = june.figures["difference"]
    assert f"corrected by version 2: {more:+,} points of {len(since_june.gains):,} customers" in corrected.said.text
    await at_work.settled()
    receipts = {number: sale_id(BRANCH, TILL, number) for own in since_june.then.values() for number in own}
    by_sale = {who: Counter({receipts[n]: p for n, p in own.items()}) for who, own in since_june.then.items()}
    assert await earned(at_work, since_june) == by_sale
    points = (await summary(at_work))["points"]
    assert points["earned"] == points["expired"] == figures(imported.told)["points"]["earned"] + more

    before = await events(at_work)
    again = await rehearse(settings, file, *SINCE_JUNE, *SIGNED)
    assert (again.figures["difference"], again.figures["most"]) == (0, [])
    assert "corrected by version 2: +0 points of 0 customers" in again.said.text
    await at_work.settled()
    assert await events(at_work) == before
    if source.is_real:
        for client, who in (await ids_of(at_work, list(WITH_COLOUR_SINCE_JUNE))).items():
            year = await statement(at_work, who, YEAR)
            assert year.sums["closing"] == str(WITH_COLOUR_SINCE_JUNE[client]), client
