"""A speaker whose store goes back to a copy of before, and a listener whose effects have natural keys."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from shared.consumer import Consumer
from shared.feed import number_events
from shared.message import Envelope, Issued
from shared.performing import perform
from shared.postgres import Tx
from shared.running import Running
from shared.settings import Settings
from shared.store import once
from tests.shared.dump import dump, restore
from tests.shared.pair import CAUSE, LISTENER, VOCABULARY, Pair, at_work, pair
from tests.shared.toy import NAME, Add, Added, at

VIEWER = "projection"


def hearing(two: Pair) -> Consumer:
    """Return a consumer whose effects have natural keys: an amount is kept once, however often it is told."""

    async def keep(tx: Tx, told: Sequence[Envelope]) -> None:
        news = [e for e in told if isinstance(e.event, Added) and await once(tx, _natural(e.event))]
        if news:
            await two.keep(tx, news)

    running = replace(two.listener, stop=asyncio.Event(), start_from="beginning")
    return Consumer(running, LISTENER, NAME, VOCABULARY, keep)


def _natural(event: Added) -> UUID:
    return uuid5(NAMESPACE_OID, f"{event.counter_id} {event.amount}")


@asynccontextmanager
async def spoken(settings: Settings, *amounts: int) -> AsyncIterator[Pair]:
    """Give both at work, after some amounts were said and heard."""
    async with pair(settings) as two, at_work(hearing(two)):
        await two.say(*((uuid4(), amount) for amount in amounts))
        await two.until_heard(amounts)
        yield two


async def gone_back(settings: Settings, folder: Path) -> None:
    """Say 1 to 3, make a copy, say 4 to 6, and restore the copy."""
    async with spoken(settings, 1, 2, 3) as two:
        copy = await dump(settings, NAME, folder / "copy")
        await two.say(*((uuid4(), amount) for amount in (4, 5, 6)))
        await two.until_heard(range(1, 7))
    await restore(settings, NAME, copy)


async def say_unseen(careless: Running, *amounts: int) -> None:
    """Let a store that went back, and was not looked at, say something and number it."""
    await perform(careless, [Issued(Add(counter_id=uuid4(), amount=n, at=at(0)), CAUSE) for n in amounts])
    async with careless.pool.acquire() as tx:
        await number_events(tx)
