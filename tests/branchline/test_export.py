"""A salon's export is read to the letter: what it says is sold, what cannot be read is named, and the rest goes on."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from branchline.export import Export, NotAnExport, Unread, read_export
from branchline.listings import Listings
from branchline.receipts import Place, sale

HEADER = "Receipt,Date,Description,Client,Staff,Quantity,Amount,GST,PST"
CUT = "7,03/15/2018,Women's hair cut,KERT01,JJ,1,82,4.1,6.56"
LISTINGS = Listings(
    services=[{"Desc": "Women's  hair cut", "Code": "SHCW"}, {"Desc": "", "Code": "F&F"}],
    products=[{"Description": "AG Boost 355ml", "Code": "AGBOOST"}, {"Description": "", "Code": "MISC"}],
)
TORONTO = Place("TOR1", ZoneInfo("America/Toronto"), "CAD")


def read(*rows: str) -> Export:
    return read_export([HEADER, *rows], "CAD")


def reasons(*rows: str) -> list[str]:
    return [left.reason for left in read(*rows).unread]


def test_rows_of_one_receipt_make_one_receipt_in_file_order() -> None:
    export = read(CUT, "8,03/15/2018,Blowdry,AMAB01,JJ,1,32,1.6,2.56", CUT.replace("82", "-10"))
    assert [receipt.number for receipt in export.receipts] == [7, 8]
    assert [row.amount_minor for row in export.receipts[0].rows] == [8200, -1000]


def test_two_rows_that_are_the_same_both_count() -> None:
    (receipt,) = read(CUT, CUT).receipts
    assert [row.amount_minor for row in receipt.rows] == [8200, 8200]


def test_a_days_receipts_follow_their_numbers_a_second_apart_from_ten_local() -> None:
    export = read(CUT.replace("7,", "100,", 1), CUT.replace("7,", "9,", 1), "20,03/16/2018,Cut,A,B,1,1,0,0")
    at = {receipt.number: sale(receipt, TORONTO, LISTINGS)["occurred_at"] for receipt in export.receipts}
    assert at == {
        9: "2018-03-15T10:00:00-04:00",
        100: "2018-03-15T10:00:01-04:00",
        20: "2018-03-16T10:00:00-04:00",
    }


def test_a_receipt_is_sent_as_a_till_sends_it() -> None:
    (receipt,) = read(CUT, CUT.replace("KERT01", "WALK_IN").replace("82,4.1,6.56", "31.23,1.5615,2.4984")).receipts
    item = sale(receipt, TORONTO, LISTINGS)
    assert (item["seq"], item["type"], item["data"]["receipt"]) == (7, "sale", "7")
    assert item["data"]["tax_minor"] == 1472  # 4.1 + 6.56 + 1.5615 + 2.4984 = 14.7199
    assert item["data"]["customer"] is None
    assert item["data"]["payments"] == []
    own, nobodys = item["data"]["lines"]
    assert own == {
        "code": "SHCW",
        "name": "Women's hair cut",
        "kind": "service",
        "staff": "JJ",
        "quantity": 1,
        "list_minor": 8200,
        "net_minor": 8200,
        "customer": {"client": "KERT01"},
    }
    assert (nobodys["customer"], nobodys["net_minor"]) == (None, 3123)


@pytest.mark.parametrize(
    ("description", "amount", "kind", "code"),
    [
        ("WOMEN'S hair   CUT", "82", "service", "SHCW"),
        ("ag boost 355ML", "26", "product", "AGBOOST"),
        ("ag boost 355ML", "-26", "adjustment", "AGBOOST"),
        ("", "31.23", "product", "MISC"),
        ("Never heard of", "5", "service", "Never heard of"),
    ],
)
def test_what_a_line_is_comes_from_the_listings(description: str, amount: str, kind: str, code: str) -> None:
    (receipt,) = read(f"7,03/15/2018,{description},KERT01,JJ,1,{amount},0,0").receipts
    (line,) = sale(receipt, TORONTO, LISTINGS)["data"]["lines"]
    assert (line["kind"], line["code"]) == (kind, code)
    assert line["name"]


def test_a_product_brought_back_keeps_its_quantity_of_minus_one() -> None:
    (receipt,) = read("1353,07/04/2018,AG Boost 355ml,GELK01,JJ,-1,-50.4,-2.52,-4.032").receipts
    assert (receipt.rows[0].quantity, receipt.rows[0].amount_minor) == (-1, -5040)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (CUT.replace("82", "8x2"), "amount: '8x2' is not a decimal number"),
        (CUT.replace("82", "8e2"), "amount: '8e2' is not a decimal number"),
        (CUT.replace("82", "nan"), "amount: 'nan' is not a decimal number"),
        (CUT.replace("82", "82.005"), "amount: '82.005' is finer than the smallest unit of CAD"),
        (CUT.replace("4.1", ""), "gst: '' is not a decimal number"),
        (CUT.replace("03/15/2018", "2018-03-15"), "date: '2018-03-15' is not a day (MM/DD/YYYY)"),
        (CUT.replace("03/15", "02/30"), "date: '02/30/2018' is not a day (MM/DD/YYYY)"),
        (CUT.replace("7,", "A7,", 1), "receipt: 'A7' is not a receipt number"),
        (CUT.replace("7,", "0,", 1), "receipt: '0' is not a receipt number"),
        (CUT.replace("7,", "99999999999999999999,", 1), "receipt: '99999999999999999999' is not a receipt number"),
        (CUT.replace("KERT01", " "), "client: is empty"),
        (CUT.replace(",1,", ",1.5,"), "quantity: '1.5' is not a whole number"),
        (CUT.replace(",JJ", ""), "8 columns instead of 9"),
        (CUT + ",1", "10 columns instead of 9"),
        (CUT.replace("Women's", '"Women'), "not a CSV row: unexpected end of data"),
        (CUT.replace("KERT", "K\udcff"), "holds characters that cannot be read"),
        (CUT.replace("KERT", "K\0"), "holds characters that cannot be read"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_rest_goes_on(row: str, reason: str) -> None:
    export = read("8,03/15/2018,Blowdry,AMAB01,JJ,1,32,1.6,2.56", row, "9,03/15/2018,Blowdry,AMAB01,JJ,1,32,1.6,2.56")
    assert export.unread == (Unread(3, reason),)
    assert [receipt.number for receipt in export.receipts] == [8, 9]


def test_half_a_receipt_is_not_sold_for_it_could_never_be_put_right() -> None:
    export = read(CUT, CUT.replace("82", "?"), "8,03/15/2018,Blowdry,AMAB01,JJ,1,32,1.6,2.56")
    assert [receipt.number for receipt in export.receipts] == [8]
    assert [left.line for left in export.unread] == [2, 3]
    assert export.unread[0].reason == "receipt 7 is left out whole: its line 3 cannot be read"


def test_a_receipt_that_is_left_out_keeps_its_place_so_that_the_mended_file_adds_only_it() -> None:
    later = "8,03/15/2018,Blowdry,AMAB01,JJ,1,32,1.6,2.56"
    broken, mended = read(CUT.replace("82", "?"), later), read(CUT, later)
    assert broken.receipts == tuple(receipt for receipt in mended.receipts if receipt.number == 8)


def test_a_longer_export_changes_nothing_of_what_was_there() -> None:
    rows = [f"{number},03/{15 + number % 3}/2018,Blowdry,AMAB01,JJ,1,32,1.6,2.56" for number in range(1, 30)]
    short, long = read(*rows[:17]), read(*rows)
    assert set(short.receipts) < set(long.receipts)


def test_a_receipt_of_two_days_is_left_out() -> None:
    assert reasons(CUT, CUT.replace("15/2018", "16/2018")) == ["receipt 7 is left out: its rows name 2 days"] * 2


def test_columns_are_found_by_name_and_blank_lines_are_nothing() -> None:
    header = "Client,Staff,Extra,Receipt,Date,Description,Quantity,Amount,GST,PST"
    export = read_export(["\ufeff" + header, "", "KERT01,JJ,x,7,3/5/2018,Blowdry,1,0.1,0,0", "  "], "CAD")
    assert export.rows == 1
    assert (export.receipts[0].on, export.receipts[0].rows[0].amount_minor) == (date(2018, 3, 5), 10)


@pytest.mark.parametrize("lines", [[], ["Receipt,Date"], [""]])
def test_a_file_that_is_no_export_is_not_taken(lines: list[str]) -> None:
    with pytest.raises(NotAnExport):
        read_export(lines, "CAD")


def test_taxes_are_added_before_they_are_rounded() -> None:
    (receipt,) = read(*[CUT.replace("4.1,6.56", "0.004,0.001")] * 3).receipts
    assert sum((row.tax for row in receipt.rows), Decimal()) == Decimal("0.015")
    assert sale(receipt, TORONTO, LISTINGS)["data"]["tax_minor"] == 2
