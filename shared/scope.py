"""Whose rows a transaction sees and writes, where row security asks: some branches', or ALL, as connections begin."""

from shared.postgres import Tx

ALL = "*"
_SEE = "SELECT set_config('branchline.branch', $1, true)"


async def see(tx: Tx, *scopes: str) -> None:
    """Let the rest of the transaction see and write the rows of `scopes` only; of none where they are empty.

    More than one only where the policies of the tables read a list, parted by commas.
    """
    await tx.execute(_SEE, ",".join(scopes))
