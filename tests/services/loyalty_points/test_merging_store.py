"""On Postgres merges and splits leave the accounts and lots that they leave in memory, whatever is in one batch."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from services.loyalty_points.domain import Account, AccountCommand, RedeemPoints, ReverseRedemption
from services.loyalty_points.guards import lots
from services.loyalty_points.liability import moved
from services.loyalty_points.lifetime import Never
from services.loyalty_points.reactions import react
from services.loyalty_points.terms import Terms
from shared.message import Cause, Issued
from shared.performing import perform
from shared.running import Running
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.clock import set_clock
from tests.services.loyalty_points.test_merging import (
    BEFORE,
    DAY,
    LATER,
    LI,
    MEI,
    MERGE,
    MONDAY,
    SPLIT_AT,
    WU,
    merge,
    split,
)
from tests.services.loyalty_points.test_merging import HERS as SALE
from tests.services.loyalty_points.test_persons import IDS, Merges
from tests.services.stories import refund

CAUSE = Cause("a test", "a test")
_LOTS = "SELECT * FROM lot WHERE owner = $1"


class Deed(NamedTuple):
    """What was asked of the ledger at once, and when."""

    now: datetime
    commands: Sequence[AccountCommand]


class Written(Merges):
    """The same stories, written down with how they ended."""

    found: ClassVar[list[tuple[list[Deed], Books]]] = []

    def hear(self, news: Any) -> None:
        self.write(*react(news))
        super().hear(news)

    def do(self, command: AccountCommand) -> None:
        self.write(command)
        super().do(command)

    def write(self, *commands: AccountCommand) -> None:
        if not hasattr(self, "deeds"):
            self.deeds: list[Deed] = []
        self.deeds.append(Deed(self.books.now, commands))

    def teardown(self) -> None:
        if hasattr(self, "deeds"):
            self.found.append((self.deeds, self.books))


def stories(count: int) -> list[tuple[list[Deed], Books]]:
    """Return stories with much in them."""
    Written.found.clear()
    some = settings(
        max_examples=60, stateful_step_count=30, derandomize=True, database=None, phases=[Phase.generate], deadline=None
    )
    run_state_machine_as_test(Written, settings=some)
    return sorted(Written.found, key=lambda one: sum(len(merges_in(deed)) for deed in one[0]))[-count:]


def merges_in(deed: Deed) -> list[AccountCommand]:
    return [command for command in deed.commands if command.__class__.__name__.endswith("Account")]


def renamed(command: AccountCommand, names: dict[UUID, UUID]) -> AccountCommand:
    text = command.model_dump_json()
    for old, new in names.items():
        text = text.replace(str(old), str(new))
    told = type(command).model_validate_json(text)
    own = {name: getattr(command, name, None) for name in ("merge_id", "hold_id", "redemption_id")}
    return told.model_copy(update={name: uuid5(old, str(names)) for name, old in own.items() if old})


def shown(account: Account) -> dict[str, Any]:
    names = ("active", "pending", "debt", "earned", "taken_back", "redeemed", "expired", "forgiven", "moved")
    return {name: getattr(account, name) for name in names} | {"holds": sorted(h.points for h in account.holds)}


@pytest.mark.parametrize("together", [1, 4])
async def test_a_story_ends_as_it_ends_in_memory(
    lasting_points: Running, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    for deeds, books in stories(8):
        names = {who: uuid4() for who in IDS}
        for place in range(0, len(deeds), together):
            some = deeds[place : place + together]
            set_clock(monkeypatch, some[-1].now if together > 1 else some[0].now)
            commands = [renamed(command, names) for deed in some for command in deed.commands]
            await perform(lasting_points, [Issued(command, CAUSE) for command in commands])
        if together == 1:
            await check_ends(lasting_points, books, names)
        await check_conserved(lasting_points, list(names.values()))


async def check_ends(running: Running, books: Books, names: dict[UUID, UUID]) -> None:
    async with running.pool.acquire() as tx:
        for who, named in names.items():
            _, account = await running.handler.state(tx, "account", named)
            found = lots.by_customer(await tx.fetch(_LOTS, named))[named]
            assert shown(account) == shown(books.accounts.get(who, Account()))
            hers = books.lots.get(who, {}).values()
            columns = [
                sorted((lot.points, lot.repaid, lot.drawn, lot.taken_back) for lot in of)
                for of in (found.values(), hers)
            ]
            assert columns[0] == columns[1]


async def check_conserved(running: Running, ids: list[UUID]) -> None:
    """What lots and holds have is what accounts say, and what entries say is owed to customers."""
    outstanding = there_is = 0
    async with running.pool.acquire() as tx:
        for who in ids:
            _, account = await running.handler.state(tx, "account", who)
            rest = sum(row["rest"] for row in await tx.fetch(_LOTS, who))
            assert rest == sum(one.points for one in (*account.active, *account.pending))
            there_is += rest + sum(hold.points for hold in account.holds)
            told = [one for e in await running.handler.history(tx, "account", who) for one in moved(e.event)]
            outstanding += sum(o.earned - o.repaid - o.taken_back - o.redeemed - o.expired for o in told)
    assert outstanding == there_is


@pytest.mark.parametrize("undone", [0, 1])
@pytest.mark.parametrize("merges", [((LI, MEI),), ((MEI, WU), (LI, WU)), ((LI, WU), (MEI, WU))])
async def test_a_lot_that_was_divided_comes_together_again_and_is_still_hers(
    lasting_points: Running, monkeypatch: pytest.MonkeyPatch, merges: Sequence[tuple[UUID, UUID]], undone: int
) -> None:
    told, names = [merge(*ids, SPLIT_AT + DAY) for ids in merges], {who: uuid4() for who in (MEI, LI, WU)}
    news = [*BEFORE, MERGE, split(MERGE), *told, split(told[undone % len(told)], SPLIT_AT + 2 * DAY)]
    commands = [command for one in news for command in react(one)]
    its: dict[str, Any] = {"at": MONDAY + 30 * DAY, "customer_id": LI, "redemption_id": uuid4()}
    commands.insert(commands.index(react(split(MERGE))[0]), RedeemPoints(points=110, **its))
    commands.append(ReverseRedemption(reason="wrong-gift", **its))
    books = Books(now=MONDAY + 30 * DAY, terms=Terms(expiry=Never()))
    set_clock(monkeypatch, books.now)
    for command in commands:
        books.handle(command)
        await do(lasting_points, [renamed(command, names)])
        await check_ends(lasting_points, books, names)
    await check_conserved(lasting_points, list(names.values()))
    assert sum(account.available(books.now) for account in books.accounts.values()) == 140


async def test_who_spent_of_anothers_lots_again_when_they_were_one_again_keeps_both_when_they_part_again(
    lasting_points: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, names = merge(LI, MEI, SPLIT_AT + DAY), {who: uuid4() for who in (MEI, LI, WU)}
    books = Books(now=MONDAY + 30 * DAY, terms=Terms(expiry=Never()))
    set_clock(monkeypatch, books.now)
    orders = [RedeemPoints(at=books.now, customer_id=LI, redemption_id=uuid4(), points=n) for n in (110, 20)]
    last = split(back, SPLIT_AT + 2 * DAY)
    deeds = [react(one) for one in (*BEFORE, MERGE)] + [orders[:1]]
    deeds += [react(one) for one in (split(MERGE), back)] + [orders[1:], react(last)]
    for command in (command for deed in deeds for command in deed):
        books.handle(command)
        await do(lasting_points, [renamed(command, names)])
        await check_ends(lasting_points, books, names)
    await check_conserved(lasting_points, list(names.values()))


async def test_a_merge_that_was_undone_may_be_heard_after_the_one_the_other_way_round(lasting_points: Running) -> None:
    names = {who: uuid4() for who in IDS}
    back = merge(LI, MEI, SPLIT_AT + DAY)
    for news in (*BEFORE, back, MERGE, split(MERGE)):  # what is told of one of them is told in its order
        commands = [renamed(command, names) for command in react(news)]
        await asyncio.wait_for(do(lasting_points, commands), 5)
    assert await available(lasting_points, names[MEI], names[LI]) == [140, 0]
    await do(lasting_points, [renamed(command, names) for command in react(split(back, SPLIT_AT + 2 * DAY))])
    assert await available(lasting_points, names[MEI], names[LI]) == [100, 40]


async def test_a_merge_says_that_the_older_one_the_other_way_round_was_undone(lasting_points: Running) -> None:
    names = {who: uuid4() for who in IDS}
    back = merge(LI, MEI, SPLIT_AT + DAY)
    for news in (*BEFORE, MERGE, back, split(MERGE)):
        await asyncio.wait_for(do(lasting_points, [renamed(command, names) for command in react(news)]), 5)
    assert await available(lasting_points, names[MEI], names[LI]) == [140, 0]


async def test_all_of_it_in_one_batch_is_the_same(lasting_points: Running) -> None:
    names = {who: uuid4() for who in IDS}
    news = (*BEFORE, MERGE, LATER, refund(SALE, (1, 4_000, 6_000)), split(MERGE), MERGE)
    commands = [renamed(command, names) for one in news for command in react(one)]
    await perform(lasting_points, [Issued(command, CAUSE) for command in commands])
    assert await available(lasting_points, names[MEI], names[LI]) == [90, 40]


async def test_who_spends_while_the_accounts_merge_spends_what_is_there_and_no_more(lasting_points: Running) -> None:
    for _ in range(5):
        names = {who: uuid4() for who in IDS}
        await do(lasting_points, [renamed(command, names) for one in BEFORE for command in react(one)])
        now = datetime.now(UTC)
        spending = [
            RedeemPoints(at=now, customer_id=names[who], redemption_id=uuid4(), points=10) for who in (MEI, LI) * 10
        ]
        merging = [renamed(command, names) for command in react(MERGE)]
        outcomes = await asyncio.gather(*(do(lasting_points, [one]) for one in spending), do(lasting_points, merging))
        spent = sum(outcome.refusal is None for batch in outcomes[:-1] for outcome in batch)
        assert await available(lasting_points, names[MEI], names[LI]) == [0, 140 - 10 * spent]
        await check_conserved(lasting_points, list(names.values()))


async def do(running: Running, commands: Sequence[AccountCommand]) -> Any:
    return await perform(running, [Issued(command, CAUSE) for command in commands])


async def available(running: Running, *ids: UUID) -> list[int]:
    async with running.pool.acquire() as tx:
        accounts = [(await running.handler.state(tx, "account", who))[1] for who in ids]
    return [account.available(datetime.now(UTC)) for account in accounts]
