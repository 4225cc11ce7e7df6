"""A new connection asks Postgres once what its types are, not with every statement that has a new one."""

import asyncio
import re

from deploy.local.places import CHECKOUT
from shared.migrations import provision
from shared.postgres import ARRAYS, open_pool
from shared.settings import Settings
from tests.shared.toy import NAME

ARRAY = re.compile(r"::(\w+)\[\]")
BUILT_IN = {"text"}  # the client's own
ALIASES = {"bool": "boolean"}
ASKS = "typeinfo_tree"


def kinds(text: str) -> set[str]:
    """Return the types of which a text has arrays."""
    return {ALIASES.get(name, name) for name in ARRAY.findall(text)}


async def test_a_statement_on_a_new_connection_asks_for_no_type(settings: Settings) -> None:
    await provision(settings, NAME, None)
    async with await open_pool(settings, NAME, size=1) as pool, pool.acquire() as tx:
        asked: list[str] = []
        with tx.query_logger(lambda told: asked.append(told.query)):
            for kind in sorted(kinds(ARRAYS)):
                assert await tx.fetchval(f"SELECT $1::{kind}[]", []) == []
            await asyncio.sleep(0)
        assert any("SELECT $1::uuid[]" in query for query in asked), "nothing is overheard"
        assert not [query for query in asked if ASKS in query]


def test_every_kind_of_array_in_a_statement_of_ours_is_learnt_at_once() -> None:
    places = [path for root in ("shared", "services") for path in (CHECKOUT / root).rglob("*") if path.is_file()]
    texts = [path.read_text() for path in places if path.suffix in (".py", ".sql")]
    used = set[str]().union(*(kinds(text) for text in texts))
    assert len(used) > 3, "no statement is found"
    assert used - BUILT_IN == kinds(ARRAYS)
