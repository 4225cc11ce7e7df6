"""What tills send is taken once each, in whatever order and however often it comes."""

import asyncio
from dataclasses import replace

from structlog.testing import capture_logs

from contracts.pos import (
    ItemParked,
    SaleRecorded,
    SaleRefunded,
    TillFlagged,
    TillGapClosed,
    TillGapOpened,
    VisitCheckedIn,
    sale_id,
)
from services.pos.intake.watch import watch
from tests.services.pos.shop import ACCEPTED, DUPLICATE, Shop, check_in, line, parked, refund, sale


async def test_a_sale_told_twice_is_recorded_once(shop: Shop) -> None:
    assert await shop.send(sale(1, "1001")) == [ACCEPTED]
    assert await shop.send(sale(1, "1001")) == [DUPLICATE]
    assert await shop.send(sale(2, "1002"), sale(2, "1002")) == [ACCEPTED, DUPLICATE]
    assert [e.number for e in await shop.told(SaleRecorded)] == ["1001", "1002"]


async def test_a_sale_says_all_that_the_till_said_in_local_days(shop: Shop) -> None:
    late = sale(1, "1001", line(82_00, staff="JJ", quantity=2), line(-10_00, kind="adjustment"), minutes=12 * 60)
    late["data"] |= {"payments": [{"method": "cash", "amount_minor": 81_36}], "tax_minor": 9_36}
    await shop.send(late)
    (said,) = await shop.told(SaleRecorded)
    assert said.sale_id == sale_id(shop.branch, shop.tills[0], "1001")
    assert (said.at.isoformat(), said.on.isoformat()) == ("2026-11-21T03:00:00+00:00", "2026-11-20")
    assert (said.net_minor, said.tax_minor, said.zone) == (72_00, 9_36, "America/Toronto")
    assert [(one.line, one.kind, one.staff, one.quantity) for one in said.lines] == [
        (1, "service", "JJ", 2),
        (2, "adjustment", None, 1),
    ]


async def test_the_number_of_a_thing_is_not_another_things(shop: Shop) -> None:
    assert await shop.send(sale(1, "1001"), sale(1, "1001", 60_00), sale(1, "1009")) == [
        ACCEPTED,
        parked("seq-reused"),
        parked("seq-reused"),
    ]
    assert await shop.send(sale(1, "1001", 60_00)) == [parked("seq-reused")]
    assert await shop.send(sale(1, "1001")) == [DUPLICATE]
    assert [e.net_minor for e in await shop.told(SaleRecorded)] == [50_00]
    assert [(e.seq, e.code) for e in await shop.told(TillFlagged)] == [(1, "seq-reused")]
    assert len(await shop.told(ItemParked)) == 2
    till = await shop.till()
    assert (till["flagged"], till["parked"], till["high"]) == (True, 2, 1)


async def test_a_receipt_under_another_number_is_a_repeat_or_a_mistake(shop: Shop) -> None:
    assert await shop.send(sale(1, "1001")) == [ACCEPTED]
    assert await shop.send(sale(2, "1001"), sale(3, "1001", 60_00)) == [DUPLICATE, parked("receipt-reused")]
    assert await shop.send(sale(3, "1001", 60_00), sale(2, "1001")) == [parked("receipt-reused"), DUPLICATE]
    assert len(await shop.told(SaleRecorded)) == 1
    assert len(await shop.told(ItemParked)) == 1


async def test_a_receipt_that_was_parked_may_be_told_again_under_a_new_number(shop: Shop) -> None:
    wrong, right = sale(1, "1001", -1_00), sale(2, "1001", 1_00)
    assert await shop.send(wrong, right, sale(3, "1001", 1_00)) == [parked("receipt-negative"), ACCEPTED, DUPLICATE]
    assert await shop.send(wrong, right) == [parked("receipt-negative"), DUPLICATE]


async def test_one_bad_item_holds_up_no_other(shop: Shop) -> None:
    torn = {"seq": 2, "type": "sale", "occurred_at": "today", "data": {}}
    assert await shop.send(sale(1, "1001"), torn, "nonsense", sale(4, "1004"), check_in(3)) == [
        ACCEPTED,
        parked("malformed"),
        parked("malformed"),
        ACCEPTED,
        ACCEPTED,
    ]
    assert (await shop.till())["missing"] == []


async def test_two_tills_with_the_same_receipt_do_not_meet(shop: Shop) -> None:
    one, two, _ = shop.tills
    told = await asyncio.gather(shop.send(sale(1, "1001"), till=one), shop.send(sale(1, "1001", 60_00), till=two))
    assert list(told) == [[ACCEPTED], [ACCEPTED]]
    assert {e.net_minor for e in await shop.told(SaleRecorded)} == {50_00, 60_00}


async def test_the_same_batch_from_two_connections_at_once_is_taken_once(shop: Shop) -> None:
    batch = [sale(n, str(1000 + n), customer={"card": f"{shop.branch}-{n % 7}"}) for n in range(1, 101)]
    told = await asyncio.gather(*(shop.send(*batch) for _ in range(4)))
    assert [sorted(answers) for answers in zip(*told, strict=True)] == [[ACCEPTED, *[DUPLICATE] * 3]] * 100
    assert len(await shop.told(SaleRecorded)) == 100


async def test_a_jump_is_a_gap_until_all_of_it_has_come(shop: Shop) -> None:
    await shop.send(sale(1, "1"), sale(5, "5"), sale(9, "9"))
    assert (await shop.till())["missing"] == [[2, 4], [6, 8]]
    await shop.send(sale(7, "7"), sale(3, "3"))
    assert (await shop.till())["missing"] == [[2, 2], [4, 4], [6, 6], [8, 8]]
    await shop.send(sale(8, "8"), check_in(6), sale(4, "4"))
    till = await shop.till()
    assert (till["missing"], till["missing_count"], till["high"]) == ([[2, 2]], 1, 9)
    assert [(e.first, e.last) for e in await shop.told(TillGapOpened)] == [(2, 4), (6, 8)]
    assert [(e.first, e.last) for e in await shop.told(TillGapClosed)] == [(6, 8)]


async def test_an_import_has_no_gaps(shop: Shop) -> None:
    export = shop.tills[2]
    await shop.send(sale(10, "10"), sale(1003, "1003"), till=export)
    assert await shop.send(sale(500, "500"), sale(10, "10"), till=export) == [ACCEPTED, DUPLICATE]
    till = await shop.till(export)
    assert (till["kind"], till["missing"], till["high"]) == ("import", [], 1003)
    assert await shop.told(TillGapOpened) == []


async def test_a_line_has_its_own_customer_or_the_receipts_or_nobody(shop: Shop) -> None:
    anna, ben = {"card": f"{shop.branch} A"}, {"client": "BEN01"}
    await shop.send(sale(1, "1", line(1_00), line(2_00, customer=ben), line(3_00, customer=None), customer=anna))
    await shop.send(sale(2, "2", line(1_00, customer=ben), line(2_00)), check_in(3, anna), check_in(4))
    first, second = [[one.customer_id for one in e.lines] for e in await shop.told(SaleRecorded)]
    assert first[0] is not None
    assert first[1] is not None
    assert first[0] != first[1]
    assert first[2] is None
    assert second == [first[1], None]
    assert {e.customer_id for e in await shop.told(VisitCheckedIn)} == {first[0], None}


async def test_a_client_code_is_the_branchs_own_and_a_card_is_everywheres(shop: Shop, other: Shop) -> None:
    for one in (shop, other):
        await one.send(sale(1, "1", customer={"client": "KERT01"}), sale(2, "2", customer={"card": f"{shop.branch} K"}))
    here, there = [{e.number: e.lines[0].customer_id for e in await one.told(SaleRecorded)} for one in (shop, other)]
    assert here["1"] != there["1"]
    assert here["2"] == there["2"]


async def test_more_people_than_the_vault_takes_at_once_are_all_found(shop: Shop) -> None:
    crowd = [line(1_00, customer={"card": f"{shop.branch}/{n}"}) for n in range(1100)]
    batch = [sale(n + 1, str(n + 1), *crowd[n * 11 : n * 11 + 11]) for n in range(100)]
    assert await shop.send(*batch) == [ACCEPTED] * 100
    people = {one.customer_id for e in await shop.told(SaleRecorded) for one in e.lines}
    assert len(people) == 1100


async def test_a_refund_takes_back_what_its_line_has(shop: Shop) -> None:
    assert await shop.send(sale(1, "1001", 82_00, 20_00), refund(2, "1001", (1, 30_00))) == [ACCEPTED, ACCEPTED]
    told = await shop.send(refund(3, "1001", (1, 52_01)), refund(4, "1001", (1, 52_00)), refund(2, "1001", (1, 30_00)))
    assert told == [parked("refund-beyond-line"), ACCEPTED, DUPLICATE]
    assert [e.refunded_minor for e in await shop.told(SaleRefunded)] == [30_00, 52_00]
    assert await shop.send(refund(3, "1001", (1, 52_01))) == [parked("refund-beyond-line")]


async def test_another_till_of_the_branch_may_give_back(shop: Shop, other: Shop) -> None:
    one, two, _ = shop.tills
    await shop.send(sale(1, "1001"), till=one)
    assert await shop.send(refund(1, "1001", (1, 10_00), till=one), till=two) == [ACCEPTED]
    (said,) = await shop.told(SaleRefunded)
    assert (said.till, said.number, said.sale_id) == (two, "1001", sale_id(shop.branch, one, "1001"))
    assert await shop.send(refund(2, "1001", (1, 1), till=other.tills[0]), till=two) == [parked("till-unknown")]


async def test_a_refund_before_its_sale_waits_for_it(shop: Shop) -> None:
    assert await shop.send(refund(2, "1001", (1, 20_00))) == [ACCEPTED]
    assert (await shop.till())["waiting"] == 1
    assert await shop.send(refund(2, "1001", (1, 20_00))) == [DUPLICATE]
    assert await shop.told(SaleRefunded) == []
    assert await shop.send(sale(1, "1001")) == [ACCEPTED]
    (said,) = await shop.told(SaleRefunded)
    assert (said.refunded_minor, said.lines[0].left_minor) == (20_00, 30_00)
    assert (await shop.till())["waiting"] == 0


async def test_a_refund_in_front_of_its_sale_in_one_request_finds_it(shop: Shop) -> None:
    assert await shop.send(refund(1, "1001", (1, 20_00)), sale(2, "1001")) == [ACCEPTED, ACCEPTED]
    assert len(await shop.told(SaleRefunded)) == 1


async def test_a_refund_that_waited_and_is_too_much_is_set_aside_with_its_code(shop: Shop) -> None:
    one, two, _ = shop.tills
    early, much = refund(1, "1001", (1, 40_00), till=one), refund(2, "1001", (1, 20_00), till=one, minutes=70)
    assert await shop.send(early, much, till=two) == [ACCEPTED, ACCEPTED]
    assert await shop.send(sale(1, "1001"), till=one) == [ACCEPTED]
    assert [e.refunded_minor for e in await shop.told(SaleRefunded)] == [40_00]
    assert [(e.till, e.seq, e.code) for e in await shop.told(ItemParked)] == [(two, 2, "refund-beyond-line")]
    assert await shop.send(early, much, till=two) == [DUPLICATE, parked("refund-beyond-line")]
    assert [(await shop.till(till))["parked"] for till in (one, two)] == [0, 1]


async def test_refunds_and_their_sale_from_two_tills_at_once_always_meet(shop: Shop) -> None:
    one, two, _ = shop.tills
    for n in range(1, 21):
        told = await asyncio.gather(
            shop.send(sale(n, str(n)), till=one), shop.send(refund(n, str(n), (1, 1_00), till=one), till=two)
        )
        assert list(told) == [[ACCEPTED], [ACCEPTED]]
    assert len(await shop.told(SaleRefunded)) == 20
    assert (await shop.till(two))["waiting"] == 0


async def test_tills_that_give_back_each_others_receipts_do_not_lock_each_other_out(shop: Shop) -> None:
    one, two, _ = shop.tills
    for till in (one, two):
        await shop.send(*(sale(n, str(n)) for n in range(1, 11)), till=till)

    async def give_back(till: str, of: str) -> None:
        for n in range(1, 11):
            assert await shop.send(refund(100 + n, str(n), (1, 1_00), till=of), till=till) == [ACCEPTED]

    await asyncio.gather(give_back(one, two), give_back(two, one))
    assert len(await shop.told(SaleRefunded)) == 20


async def test_refunds_that_wait_for_days_raise_an_alarm(shop: Shop) -> None:
    await shop.send(refund(1, "1001", (1, 20_00)), refund(2, "1002", (1, 20_00)))
    await shop.pos.pool.execute(
        "UPDATE waiting_refund SET waits_since = now() - interval '4 days' WHERE till = $1 AND seq = 1", shop.tills[0]
    )
    looking = replace(shop.pos, stop=asyncio.Event())
    with capture_logs() as lines:
        task = asyncio.create_task(watch(looking))
        async with asyncio.timeout(10):
            while not [one for one in lines if one.get("till") == shop.tills[0]]:
                await asyncio.sleep(0.01)
        looking.stop.set()
        await task
    (alarm,) = [one for one in lines if one.get("till") == shop.tills[0]]
    assert (alarm["alarm"], alarm["refunds"]) == (True, 1)
