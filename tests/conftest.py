"""Fixtures of all tests: one Postgres and Kafka a run, one cell a test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.browser import MISSING, executable
from tests.servers import Servers, found, new_cell


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Return where Postgres and Kafka are."""
    with found() as servers:
        yield servers


@pytest.fixture
async def settings(servers: Servers, tmp_path: Path) -> AsyncIterator[Settings]:
    """Return the settings of a cell of the test's own, with its keys and ports; nothing of it stays."""
    async with new_cell(servers, tmp_path) as settings:
        yield settings


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly, at the end, what this machine lacks."""
    if executable() is None:
        terminalreporter.section("browser", red=True)
        terminalreporter.line(MISSING, red=True)
