"""`python -m tests.benchmarks [ROW | ROW/CONTEST ...] [--laps N]` measures, all or some; `report` writes RESULTS.md.

Everything runs on durable servers of its own, in cells that are removed afterwards.
"""

import argparse
import asyncio
import fcntl
import gc
import logging
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import asyncpg
import structlog
import uvloop

from deploy.local.faults import Failed
from deploy.local.places import LOCAL
from deploy.local.run import Run
from shared.parts import GARBAGE_AFTER
from tests.benchmarks.bench import benching
from tests.benchmarks.peers.fetch import all_peers
from tests.benchmarks.report import write
from tests.benchmarks.rows import ROWS
from tests.servers import Servers, found

SERVERS = LOCAL / "bench" / "servers"


def main(arguments: Sequence[str]) -> int:
    """Measure what is named, or all, and write the report; return how many rows broke off."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW[/CONTEST]", help=f"of {', '.join(ROWS)}; or report")
    parser.add_argument("--laps", type=int, help="instead of what each contest has")
    parser.add_argument(
        "--large", type=int, help="events in the large store of growth, lots in expiry, receipts in rehearsal"
    )
    options = parser.parse_args(arguments)
    wanted = options.rows or list(ROWS)
    if unknown := [one for one in wanted if one.partition("/")[0] not in (*ROWS, "report")]:
        parser.error(f"there is no {', '.join(unknown)}")
    broken = 0
    if wanted != ["report"]:
        for line in all_peers():
            print(line, flush=True)
        with _durable() as servers:
            for row in dict.fromkeys(one.partition("/")[0] for one in wanted):
                contests = {one.partition("/")[2] for one in wanted if one.partition("/")[0] == row}
                broken += not _run(row, contests, servers, options)
    write()
    return broken


def _run(row: str, contests: set[str], servers: Servers, options: argparse.Namespace) -> bool:
    """Return whether the row came to its end; the others run all the same."""
    began = time.monotonic()
    print(f"{row}: {ROWS[row]}", flush=True)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measured(row, contests, servers, options))
    except Exception:
        traceback.print_exc()
        return False
    print(f"{row} took {time.monotonic() - began:.0f} s", flush=True)
    return True


async def _measured(row: str, contests: set[str], servers: Servers, options: argparse.Namespace) -> None:
    module = import_module(f"tests.benchmarks.rows.{row}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells of every topic that it does not know yet
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_AFTER)  # as a service's process has it
    with tempfile.TemporaryDirectory() as folder:
        async with benching(servers, Path(folder)) as bench:
            bench.laps, bench.large = options.laps, options.large
            bench.chosen = lambda name: "" in contests or name in contests
            await module.measure(bench)
    if bench.failed:
        raise RuntimeError(f"no figure: {', '.join(bench.failed)}")


@contextmanager
def _durable() -> Iterator[Servers]:
    """Yield the servers that are given, else the local runtime's with nothing switched off."""
    if "BRANCHLINE_DATABASE_URL" in os.environ or "INFRA" in os.environ:
        with found() as servers:
            yield servers
        return
    SERVERS.mkdir(parents=True, exist_ok=True)
    with (SERVERS.parent / "lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        run = Run(SERVERS, services=(), leashed=True)
        run.stop()  # what a bench that was killed has left
        try:
            environment = run.start().environment
            if asyncio.run(_is_to_start_again(environment["BRANCHLINE_DATABASE_URL"])):
                run.stop()
                run = Run(SERVERS, services=(), leashed=True)
                environment = run.start().environment
            yield Servers(environment["BRANCHLINE_DATABASE_URL"], environment["BRANCHLINE_KAFKA"])
        finally:
            run.stop()


async def _is_to_start_again(database_url: str) -> bool:
    """Let the log carry what Debezium reads, for all contenders alike; return whether that is new."""
    connection = await asyncpg.connect(database_url)
    try:
        is_new: bool = await connection.fetchval("SHOW wal_level") != "logical"
        if is_new:
            await connection.execute("ALTER SYSTEM SET wal_level = logical")
        return is_new
    finally:
        await connection.close()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failed as failure:
        sys.exit(str(failure))
