"""Which branch a till stands at."""

import re

from shared.errors import Missing
from shared.running import Running

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_BRANCH = "SELECT branch FROM till WHERE till = $1"


class Doors:
    """The tills that have sent before: a till never moves to another branch."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._branches: dict[str, str] = {}

    async def branch_of(self, till: str) -> str:
        """Return a till's branch; raise Missing where the till is not registered."""
        if till not in self._branches:
            branch = await self._running.pool.fetchval(_BRANCH, till) if _CODE.fullmatch(till) else None
            if branch is None:
                raise Missing("till-unknown")
            self._branches[till] = branch
        return self._branches[till]
