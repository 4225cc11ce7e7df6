"""`branchline retell`: Kafka has lost what services said; they say it all again, and who knows it passes it over.

Seconds.
"""

import asyncio
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import asyncpg

from branchline import catalogue
from branchline.failure import CommandFailed
from branchline.settings import settings
from shared import topics
from shared.errors import Unavailable
from shared.settings import Settings
from shared.topics import TopicUnfit

LED_WITHIN, LOOKS_EVERY = 30.0, 0.1

_ANEW = """
UPDATE relay_cursor SET number = 0, leader = leader + 1, lease_until = '-infinity' WHERE relay = 'kafka'
RETURNING leader
"""
_LEADS = "SELECT leader > $1 FROM relay_cursor WHERE relay = 'kafka'"
_PARTITIONS = "SELECT partitions FROM feed_head"


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("retell", help="let services say all again, when Kafka has lost what they said")
    speaking = [name for name in catalogue.names() if catalogue.service(name).says]
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of {', '.join(speaking)}; left out: all")
    parser.set_defaults(run=run, speaking=speaking)


def run(arguments: Namespace) -> int:
    """Set their relays back to the beginning, make their topics where they are gone, and print what there is to say."""
    chosen = arguments.services or arguments.speaking
    if silent := [name for name in chosen if name not in arguments.speaking]:
        raise CommandFailed(f"{', '.join(silent)} says nothing; who does: {', '.join(arguments.speaking)}")
    try:
        asyncio.run(retell(settings(), chosen))
    except (TopicUnfit, Unavailable) as sentence:
        raise CommandFailed(str(sentence)) from None
    except (OSError, asyncpg.PostgresError) as cause:
        raise CommandFailed(f"Postgres does not do it: {type(cause).__name__}: {cause}") from cause
    return 0


async def retell(chosen: Settings, names: Sequence[str]) -> None:
    """Begin all relays again, then make topics that are gone: a page that is in hand must not be their first."""
    partitions = await asyncio.gather(*(_begin_again(chosen, name) for name in names))
    for name, count in zip(names, partitions, strict=True):
        await topics.ensure(chosen, chosen.topic(name), count)
        print(f"{name}: says all again, from the beginning", flush=True)


async def _begin_again(chosen: Settings, name: str) -> int:
    """Set a relay's cursor back, and wait until somebody leads from there; return its topic's partitions."""
    connection = await asyncpg.connect(chosen.database_url)
    try:
        await connection.execute("SELECT set_config('search_path', $1, false)", chosen.schema(name))
        set_back = await connection.fetchval(_ANEW)
        for _ in range(round(LED_WITHIN / LOOKS_EVERY)):
            if await connection.fetchval(_LEADS, set_back):
                return int(await connection.fetchval(_PARTITIONS))
            await asyncio.sleep(LOOKS_EVERY)
        raise CommandFailed(f"{name} does not run: start it, then retell again")
    finally:
        await connection.close()
