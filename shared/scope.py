"""Whose rows a transaction sees and writes, where row security asks: one branch's, or ALL, as connections begin."""

from shared.postgres import Tx

ALL = "*"
_SEE = "SELECT set_config('branchline.branch', $1, true)"


async def see(tx: Tx, scope: str) -> None:
    """Let the rest of the transaction see and write the rows of `scope` only; of none where it is empty."""
    await tx.execute(_SEE, scope)
