"""A till's door, found by the till's code."""

import re

from services.pos.intake.commands import Place
from shared.errors import Missing
from shared.running import Running

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_PLACE = """
SELECT t.branch, b.zone, c.currency
FROM till t JOIN branch b USING (branch) CROSS JOIN chain c WHERE t.till = $1
"""


async def place_of(running: Running, till: str) -> Place:
    """Return where a till stands; raise Missing where it is not registered."""
    row = None
    if _CODE.fullmatch(till):
        row = await running.pool.fetchrow(_PLACE, till)
    if row is None:
        raise Missing("till-unknown")
    return Place(row["branch"], row["zone"], row["currency"])
