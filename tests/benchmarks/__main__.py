"""`python -m tests.benchmarks [NAME...]`: each module here that measures, one after the other, on durable servers.

Every figure is printed with the load of the machine beside it: ratios inside one run mean more than figures of two.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from deploy.local.places import LOCAL
from deploy.local.run import Run
from tests.servers import Servers, found, new_cell

HERE = Path(__file__).parent


def main(names: Sequence[str]) -> int:
    """Measure what is named, or all."""
    all_names = sorted(path.stem for path in HERE.glob("*.py") if "\nasync def measure(" in path.read_text())
    with _durable() as servers:
        for name in names or all_names:
            print(f"{name} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)", flush=True)
            for line in asyncio.run(_measured(name, servers)):
                print(f"  {line}", flush=True)
    return 0


async def _measured(name: str, servers: Servers) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        async with new_cell(servers, Path(folder)) as settings:
            lines: list[str] = await import_module(f"tests.benchmarks.{name}").measure(settings, Path(folder))
            return lines


@contextmanager
def _durable() -> Iterator[Servers]:
    """Yield the servers that are given, else the local runtime's with nothing switched off."""
    if "BRANCHLINE_DATABASE_URL" in os.environ or "INFRA" in os.environ:
        with found() as servers:
            yield servers
        return
    run = Run(LOCAL / "bench", services=(), leashed=True)
    try:
        environment = run.start().environment
        yield Servers(environment["BRANCHLINE_DATABASE_URL"], environment["BRANCHLINE_KAFKA"])
    finally:
        run.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
