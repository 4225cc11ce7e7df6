"""What several tills send at once is taken together, and each of them is answered for itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from contracts.pos import SaleRecorded
from services.membership.app import app as membership
from services.pos.app import app as pos
from services.pos.intake import desk, taking
from services.pos.intake.desk import CLERKS
from services.pos.intake.request import Request
from shared.running import Running
from shared.settings import Settings
from tests.cell import eventually
from tests.services.pos.conftest import at_work, open_shop
from tests.services.pos.shop import ACCEPTED, DUPLICATE, Answered, Item, Shop, chain_of, parked, sale

ANNA = {"client": "7"}
MANY = 8
_TRANSACTIONS = "SELECT count(DISTINCT tx) FROM event WHERE data ->> 'branch' = $1 AND type = 'SaleRecorded'"
_HOLD = "SELECT FROM till WHERE till = ANY($1::text[]) FOR UPDATE"


def many_tills(branch: str) -> dict[str, object]:
    """Return a chain in which the branch has more tills than others."""
    chain = chain_of(branch)
    return chain | {"tills": [{"till": f"{branch}-{n}", "branch": branch, "kind": "till"} for n in range(MANY)]}


@asynccontextmanager
async def at_once(shop: Shop, waiting: int) -> AsyncIterator[None]:
    """Hold up every clerk with a till of his own; go on at the block's end when `waiting` items wait behind them."""
    at, tills = shop.pos.one(desk.Desk), [f"{shop.branch}-{n}" for n in range(CLERKS)]
    async with shop.pos.pool.acquire() as tx, asyncio.TaskGroup() as group, tx.transaction():
        await tx.execute(_HOLD, tills)
        sent = []
        for n, till in enumerate(tills, start=1):
            sent.append(group.create_task(shop.send(sale(900, "held-up"), till=till)))
            await until(partial(_holds_up, at, n))
        yield
        await until(lambda: at.turns.items == waiting)
    assert [task.result() for task in sent] == [[ACCEPTED]] * CLERKS


def _holds_up(at: desk.Desk, tills: int) -> bool:
    return len(at.busy) == tills


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""

    async def looked() -> bool:
        return is_so()

    await eventually(looked, tick=0.01)


@pytest.fixture
async def shop(shop: Shop) -> Shop:
    """Return a branch with many tills."""
    assert (await shop.put_chain(many_tills(shop.branch))).status_code == 200
    return shop


def waiting_tills(shop: Shop) -> list[str]:
    """Return the tills that hold up no clerk."""
    return [f"{shop.branch}-{n}" for n in range(CLERKS, MANY)]


async def test_what_several_tills_send_meanwhile_is_taken_in_one_transaction(shop: Shop) -> None:
    async with asyncio.TaskGroup() as group, at_once(shop, waiting=MANY - CLERKS):
        sent = [group.create_task(shop.send(sale(1, "1"), till=till)) for till in waiting_tills(shop)]
    assert [task.result() for task in sent] == [[ACCEPTED]] * len(sent)
    assert len(await shop.told(SaleRecorded)) == MANY
    assert await shop.pos.pool.fetchval(_TRANSACTIONS, shop.branch) == CLERKS + 1


async def test_each_is_answered_for_its_own_items(shop: Shop) -> None:
    items: list[tuple[Item, Answered]] = [
        (sale(1, "1", customer=ANNA), ACCEPTED),
        (sale(1, "2", -5), parked("receipt-negative")),
        ({"seq": 1, "type": "wish"}, parked("type-unknown")),
        (sale(1, "1", customer=ANNA), ACCEPTED),
    ]
    tills = waiting_tills(shop)[: len(items)]
    async with asyncio.TaskGroup() as group, at_once(shop, waiting=len(items)):
        sent = [group.create_task(shop.send(item, till=till)) for (item, _), till in zip(items, tills, strict=True)]
    assert [task.result() for task in sent] == [[answer] for _, answer in items]
    assert [(await shop.till(till))["parked"] for till in tills] == [0, 1, 1, 0]


async def test_a_request_that_meets_a_bug_fails_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, *good = waiting_tills(shop)

    async def take(running: Running, requests: Sequence[Request]) -> object:
        if any(request.till == bad for request in requests):
            raise ZeroDivisionError
        return await taking.take(running, requests)

    monkeypatch.setattr(desk, "take", take)
    async with asyncio.TaskGroup() as group, at_once(shop, waiting=len(good) + 1):
        failing = group.create_task(shop.post({"items": [sale(1, "1")]}, till=bad))
        sent = [group.create_task(shop.send(sale(1, "1"), till=till)) for till in good]
    assert failing.result().status_code == 500
    assert [task.result() for task in sent] == [[ACCEPTED]] * len(good)


async def test_while_the_vault_is_away_only_those_wait_who_need_it(settings: Settings) -> None:
    async with at_work(pos, settings, "http") as running, open_shop(running) as shop:
        async with at_work(membership, settings, "http"):
            assert (await shop.put_chain(many_tills(shop.branch))).status_code == 200
        named, *others = waiting_tills(shop)
        async with asyncio.TaskGroup() as group, at_once(shop, waiting=len(others) + 1):
            failing = group.create_task(shop.post({"items": [sale(1, "1", customer=ANNA)]}, till=named))
            sent = [group.create_task(shop.send(sale(1, "1"), till=till)) for till in others]
        assert (failing.result().status_code, failing.result().json()["code"]) == (503, "vault-unavailable")
        assert [task.result() for task in sent] == [[ACCEPTED]] * len(others)
        assert await shop.pos.pool.fetchval(_TRANSACTIONS, shop.branch) == CLERKS + 1


async def test_a_branch_that_has_too_much_waiting_is_turned_away_and_loses_nothing(
    shop: Shop, other: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "LONGEST_WAIT", 0.01)
    assert await shop.send(sale(2, "2")) == [ACCEPTED]
    first, second, *_ = waiting_tills(shop)
    flood = [sale(n, str(n)) for n in range(1, 501)]
    async with asyncio.TaskGroup() as group, at_once(shop, waiting=501):
        sent = group.create_task(shop.send(*flood, till=first))
        await until(lambda: shop.pos.one(desk.Desk).turns.items == 500)
        refused = await shop.post({"items": [sale(1, "1")]}, till=second)
        let_in = group.create_task(other.send(sale(1, "1")))
    assert (refused.status_code, refused.json()["code"]) == (503, "intake-full")
    assert int(refused.headers["retry-after"]) >= 1
    assert let_in.result() == [ACCEPTED]
    assert sent.result() == [ACCEPTED] * len(flood)
    assert await shop.send(sale(1, "1"), till=second) == [ACCEPTED]


async def test_a_request_in_pieces_is_answered_whole_and_in_order(shop: Shop, other: Shop) -> None:
    till = waiting_tills(shop)[0]
    items = [sale(n, str(n), -1) if n % 7 == 0 else sale(n, str(n)) for n in range(1, 251)]
    async with asyncio.TaskGroup() as group, at_once(shop, waiting=251):
        sent = group.create_task(shop.send(*items, till=till))
        group.create_task(other.send(sale(1, "1")))
    assert sent.result() == [parked("receipt-negative") if n % 7 == 0 else ACCEPTED for n in range(1, 251)]
    assert await shop.send(*items, till=till) == [
        parked("receipt-negative") if n % 7 == 0 else DUPLICATE for n in range(1, 251)
    ]
