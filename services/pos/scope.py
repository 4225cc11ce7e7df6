"""Whose rows a transaction sees and writes, where row security asks for it; without a word, those of all branches."""

from shared.postgres import Tx

_SEE = "SELECT set_config('branchline.branch', $1, true)"


async def see(tx: Tx, branch: str) -> None:
    """Let the transaction see and write the rows of one branch only."""
    await tx.execute(_SEE, branch)
