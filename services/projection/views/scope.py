"""Whose rows a reader's transaction sees: one branch's, or all. Row security reads the setting."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.postgres import Pool, Tx

ALL = "*"
_NARROW = "SELECT set_config('branchline.branch', $1, true)"


@asynccontextmanager
async def snapshot(pool: Pool, scope: str) -> AsyncIterator[Tx]:
    """Give a transaction in which every query sees the same instant, and only the rows of `scope`."""
    async with pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        await tx.execute(_NARROW, scope)
        yield tx
