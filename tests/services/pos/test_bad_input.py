"""Whatever a till sends, it is told what is wrong with it, nothing of it is lost, and nobody meets an error of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from contracts.membership import Reveal, Revealed
from contracts.pos import ItemParked
from shared.peer import Peers
from tests.services.pos.shop import ACCEPTED, Item, Shop, check_in, line, parked, points, refund, sale

BEYOND = 2**53
SALE = sale(1, "1001")
ANNA = {"card": "A"}


def but(item: Item, **changes: Any) -> Item:
    """Return the item with some of its data changed."""
    return item | {"data": item["data"] | changes}


def at(time: Any) -> Item:
    """Return a sale at that time."""
    return SALE | {"occurred_at": time}


ITEMS: dict[str, tuple[Any, str]] = {
    "no object": ("sale", "malformed"),
    "nothing": (None, "malformed"),
    "an empty object": ({}, "malformed"),
    "no data": ({"seq": 1, "type": "sale", "occurred_at": SALE["occurred_at"]}, "malformed"),
    "an unknown type": (SALE | {"type": "void"}, "type-unknown"),
    "a type that is no text": (SALE | {"type": 7}, "type-unknown"),
    "no type": ({name: SALE[name] for name in SALE if name != "type"}, "malformed"),
    "an unknown field": (SALE | {"staff": "JJ"}, "malformed"),
    "an unknown field of the receipt": (but(SALE, table=4), "malformed"),
    "an unknown field of a line": (but(SALE, lines=[line(1_00, discount=1)]), "malformed"),
    "a float": (but(SALE, lines=[line(50.0)]), "malformed"),
    "a fraction": (but(SALE, lines=[line(50.5)]), "malformed"),
    "a text for an amount": (but(SALE, lines=[line("5000")]), "malformed"),
    "true for an amount": (but(SALE, lines=[line(True)]), "malformed"),
    "an amount beyond 2^53": (but(SALE, lines=[line(BEYOND)]), "malformed"),
    "an amount below -2^53": (but(SALE, lines=[line(-BEYOND)]), "malformed"),
    "an amount beyond 2^64": (but(SALE, lines=[line(1e30)]), "malformed"),
    "lines that add up to more than any receipt": (but(SALE, lines=[line(10**12), line(1)]), "malformed"),
    "a tax beyond 2^53": (but(SALE, tax_minor=BEYOND), "malformed"),
    "no lines": (but(SALE, lines=[]), "malformed"),
    "501 lines": (but(SALE, lines=[line(1)] * 501), "malformed"),
    "lines that are none": (but(SALE, lines={"1": line(1)}), "malformed"),
    "an unknown kind": (but(SALE, lines=[line(1, kind="gift")]), "malformed"),
    "a NUL in a name": (but(SALE, lines=[line(1, name="a\0b")]), "malformed"),
    "a NUL in a receipt's number": (but(SALE, receipt="1\0"), "malformed"),
    "a number of 41 letters": (but(SALE, receipt="1" * 41), "malformed"),
    "a receipt without number": (but(SALE, receipt=""), "malformed"),
    "a name as long as a book": (but(SALE, lines=[line(1, name="a" * 100_000)]), "malformed"),
    "a receipt below zero": (sale(1, "1001", 10_00, -10_01), "receipt-negative"),
    "another currency": (but(SALE, currency="USD"), "currency-mismatch"),
    "a currency that is none": (but(SALE, currency="dollars"), "malformed"),
    "a time without zone": (at("2026-11-20T10:00:00"), "time-without-zone"),
    "a day for a time": (at("2026-11-20"), "time-without-zone"),
    "a number for a time": (at(1_700_000_000), "malformed"),
    "a number in a text for a time": (at("1700000000"), "malformed"),
    "a time that is none": (at("2026-02-30T10:00:00Z"), "malformed"),
    "the year 1": (at("0001-01-01T00:00:00+14:00"), "time-out-of-range"),
    "the year 9999": (at("9999-12-31T23:59:59-14:00"), "time-out-of-range"),
    "the day after tomorrow": (at((datetime.now(UTC) + timedelta(hours=27)).isoformat()), "time-in-the-future"),
    "a phone that is none": (but(SALE, customer={"phone": "call me"}), "phone-invalid"),
    "a phone of nowhere": (but(SALE, customer={"phone": "+999123"}), "phone-invalid"),
    "a phone of two digits": (but(SALE, customer={"phone": "41"}), "phone-invalid"),
    "a line's phone that is none": (but(SALE, lines=[line(1, customer={"phone": "+1416"})]), "phone-invalid"),
    "a visitor's phone that is none": (check_in(1, {"phone": "+1416"}), "phone-invalid"),
    "two names for one": (but(SALE, customer={"card": "1", "client": "1"}), "malformed"),
    "a name that is nobody's": (but(SALE, customer={"card": None}), "malformed"),
    "an unnamed somebody": (but(SALE, customer={}), "malformed"),
    "a refund of nothing": (refund(1, "77", (1, 0)), "malformed"),
    "a refund below zero": (refund(1, "77", (1, -5)), "malformed"),
    "a refund of line 0": (refund(1, "77", (0, 5)), "malformed"),
    "a refund of no line": (refund(1, "77"), "malformed"),
    "a refund beyond its line": (refund(1, "77", (1, 50_01)), "refund-beyond-line"),
    "a refund beyond its receipt": (refund(1, "78", (1, 50_00)), "refund-beyond-receipt"),
    "a refund of a line that is not there": (refund(1, "77", (3, 1)), "line-unknown"),
    "a refund in another currency": (refund(1, "77", (1, 1), currency="USD"), "currency-mismatch"),
    "a refund of an unknown till's receipt": (refund(1, "77", (1, 1), till="NOWHERE-1"), "till-unknown"),
    "no points spent": (points(1, "77", 0, ANNA), "malformed"),
    "less than no points spent": (points(1, "77", -1, ANNA), "malformed"),
    "half a point spent": (points(1, "77", 0.5, ANNA), "malformed"),
    "points in a text": (points(1, "77", "7", ANNA), "malformed"),
    "more points than any receipt has": (points(1, "77", 10**12 + 1, ANNA), "malformed"),
    "points beyond 2^53": (points(1, "77", BEYOND, ANNA), "malformed"),
    "points beyond 2^63": (points(1, "77", 2**63, ANNA), "malformed"),
    "points of nobody": (points(1, "77", 7, None), "malformed"),
    "points of a phone that is none": (points(1, "77", 7, {"phone": "+1416"}), "phone-invalid"),
    "points spent on no receipt": (points(1, "", 7, ANNA), "malformed"),
    "points and money": (but(points(1, "77", 7, ANNA), amount_minor=700), "malformed"),
    "a refund of a till with a NUL": (refund(1, "77", (1, 1), till="\0"), "malformed"),
}
NO_NUMBER: dict[str, Any] = {
    "no number": {name: SALE[name] for name in SALE if name != "seq"},
    "number 0": SALE | {"seq": 0},
    "a number below zero": SALE | {"seq": -1},
    "a text for a number": SALE | {"seq": "1"},
    "a float for a number": SALE | {"seq": 1.0},
    "true for a number": SALE | {"seq": True},
    "a number beyond 2^53": SALE | {"seq": BEYOND},
    "no number at all": SALE | {"seq": None},
}


async def test_each_bad_item_is_set_aside_with_its_code_and_a_good_one_is_taken(shop: Shop) -> None:
    await shop.send(sale(1, "77"), sale(2, "78", 50_00, -10_00))
    numbered = {name: item for name, (item, _) in ITEMS.items() if isinstance(item, dict) and "seq" in item}
    batch = {name: item | {"seq": n} for n, (name, item) in enumerate(numbered.items(), start=3)}
    batch |= {name: item for name, (item, _) in ITEMS.items() if name not in batch}
    told = await shop.send(*batch.values(), sale(len(numbered) + 3, "79"))
    expected = {name: parked(ITEMS[name][1]) for name in batch}
    assert dict(zip(batch, told, strict=False)) == expected
    assert told[-1] == ACCEPTED
    assert await shop.send(*batch.values()) == told[:-1]
    till = await shop.till()
    assert (till["parked"], till["missing"]) == (len(batch), [])
    assert len(await shop.told(ItemParked)) == len(batch)


async def test_an_item_without_a_usable_number_is_set_aside_without_one(shop: Shop) -> None:
    answers = await shop.answers(*NO_NUMBER.values())
    assert {(one["seq"], one["outcome"], one["code"]) for one in answers} == {(None, "parked", "malformed")}
    assert await shop.answers(*NO_NUMBER.values()) == answers
    till = await shop.till()
    assert (till["parked"], till["high"]) == (len(NO_NUMBER), 0)
    assert [e.seq for e in await shop.told(ItemParked)] == [None] * len(NO_NUMBER)


async def test_what_was_set_aside_is_in_the_vault_as_it_was_sent(shop: Shop) -> None:
    sent = but(SALE, note="Ring Anna at +1 416 555 0100", lines=[line(1, name="é\u20ac\U0001f600" * 20_000)])
    await shop.send(sent)
    page = await shop.get("/v1/quarantine?limit=500", "staff", shop.branch)
    (row,) = page["items"]
    assert (row["till"], row["seq"], row["code"], page["next"]) == (shop.tills[0], 1, "malformed", None)
    assert len(row["kept"]) > 1
    peers = Peers(shop.settings, "pos")
    asked = Reveal(purpose="test", references=tuple(row["kept"]))
    texts = Revealed.model_validate_json(await peers.call("membership", "POST", "/v1/vault/reveal", asked)).texts
    await peers.close()
    assert orjson.loads("".join(text or "" for text in texts)) == {k: v for k, v in sent.items() if k != "seq"}


async def test_nothing_that_names_anybody_is_told_or_kept_outside_the_vault(shop: Shop) -> None:
    names = ("Anna Kert", "+14165550100")
    wrong = but(SALE, customer={"phone": names[1]}, lines=[line(1, **{names[0]: names[0]})])
    await shop.send(wrong, sale(2, "2", customer={"phone": names[1]}), refund(3, "3", (1, 1), note=names[0]))
    (answer, *_) = await shop.answers(wrong)
    assert answer["facts"]["errors"][0]["why"] == "extra_forbidden"
    tables = ["event", "stream", "till_item", "quarantine", "waiting_refund", "refused", "receipts"]
    for table in tables:
        rows = await shop.pos.pool.fetch("SELECT t::text FROM " + table + " t")
        assert not [row for row in rows for name in names if name in row[0]], table


REQUESTS: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 422, "malformed"),
    "torn JSON": (b'{"items": [', 422, "malformed"),
    "no object": (b"[]", 422, "malformed"),
    "no items": (b"{}", 422, "malformed"),
    "items that are none": (b'{"items": {}}', 422, "malformed"),
    "another field": (b'{"items": [], "branch": "VAN1"}', 422, "malformed"),
    "another till": (b'{"items": [], "till": "VAN1-1"}', 422, "malformed"),
    "not UTF-8": (b'{"items": ["\xff"]}', 422, "malformed"),
    "half a letter": (b'{"items": ["\\ud800"]}', 422, "malformed"),
    "no number": (b'{"items": [NaN]}', 422, "malformed"),
    "nested deep": (b'{"items": [' + b"[" * 500 + b"]" * 500 + b"]}", 422, "malformed"),
    "nested deeper": (b"[" * 100_000, 422, "malformed"),
    "501 items": (orjson.dumps({"items": [SALE] * 501}), 422, "too-many-items"),
    "10 MB": (b'{"items": ["' + b"a" * 10_000_000 + b'"]}', 413, "body-too-large"),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_that_is_none_takes_nothing(shop: Shop, name: str) -> None:
    body, status, code = REQUESTS[name]
    answer = await shop.post(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await shop.till())["last_seen_at"] is None


async def test_an_item_as_large_as_a_request_is_set_aside_whole(shop: Shop) -> None:
    assert await shop.send(but(SALE, note="a" * 7_000_000)) == [parked("malformed")]


async def test_nobody_sends_for_a_till_that_is_not_theirs(shop: Shop, other: Shop) -> None:
    one, two, _ = shop.tills
    tokens = {
        "": (401, "token-missing"),
        "nonsense": (401, "token-invalid"),
        shop.sign("till", branch=shop.branch)[:-3] + "AAA": (401, "token-invalid"),
        shop.sign("till", branch=shop.branch, ttl=timedelta(seconds=-60)): (401, "token-expired"),
        shop.sign("till", branch=other.branch): (403, "branch-foreign"),
        shop.sign("till"): (403, "branch-foreign"),
        shop.sign("till", branch=shop.branch, subject=two): (403, "till-foreign"),
        shop.sign("staff", branch=shop.branch): (403, "role-not-allowed"),
        shop.sign("headquarters"): (403, "role-not-allowed"),
    }
    for token, expected in tokens.items():
        answer = await shop.post({"items": [SALE]}, till=one, token=token)
        assert (answer.status_code, answer.json()["code"]) == expected
    assert (await shop.till())["last_seen_at"] is None
    for n, token in enumerate((shop.sign("till", branch=shop.branch), shop.sign("service", subject="booking"))):
        assert (await shop.post({"items": [sale(n + 1, str(n))]}, token=token)).status_code == 200


@pytest.mark.parametrize("till", ["NOWHERE-1", "%00", "..", "a" * 500, "%F0%9F%98%80", "'; DROP TABLE till"])
async def test_a_till_that_nobody_knows_is_unknown(shop: Shop, till: str) -> None:
    answer = await shop.post({"items": [SALE]}, till=till, token=shop.sign("service"))
    assert answer.status_code == 404
    assert answer.json()["code"] in {"till-unknown", "route-unknown"}
