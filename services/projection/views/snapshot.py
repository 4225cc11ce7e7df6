"""A reader's snapshot of the views: one instant, and only the rows in the reader's scope."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.postgres import Pool, Tx
from shared.scope import see


@asynccontextmanager
async def snapshot(pool: Pool, scope: str) -> AsyncIterator[Tx]:
    """Give a transaction in which every query sees the same instant, and only the rows of `scope`."""
    async with pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        await see(tx, scope)
        yield tx
