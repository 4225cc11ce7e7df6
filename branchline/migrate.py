"""Make what the services need in Postgres and Kafka, or bring it to its present form; safe to run again."""

import asyncio
from argparse import Namespace
from typing import Any

import asyncpg

from branchline import catalogue
from branchline.failure import CommandFailed
from branchline.settings import settings
from shared.errors import Unavailable
from shared.migrations import PARTITIONS, MigrationChanged, provision
from shared.settings import Settings
from shared.topics import TopicUnfit, ensure


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("migrate", help="make the roles, tables and topics of the services")
    parser.set_defaults(run=run)
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="left out: every service")
    parser.add_argument("--partitions", type=int, default=PARTITIONS, help="of new topics; fixed at birth")


def run(arguments: Namespace) -> int:
    """Migrate, and print what was applied."""
    try:
        asyncio.run(_migrate(settings(), arguments.services or catalogue.names(), arguments.partitions))
    except (MigrationChanged, TopicUnfit, Unavailable) as cause:
        raise CommandFailed(str(cause)) from None
    except (OSError, asyncpg.PostgresError) as cause:
        raise CommandFailed(f"Postgres does not do it: {type(cause).__name__}: {cause}") from cause
    return 0


async def _migrate(chosen: Settings, names: list[str], partitions: int) -> None:
    for name in names:
        service = catalogue.service(name)
        applied = await provision(chosen, name, catalogue.migrations(name), partitions=partitions)
        if service.says:
            await ensure(chosen, chosen.topic(name), partitions)
        print(f"{name}: {', '.join(applied) or 'nothing new'}", flush=True)
