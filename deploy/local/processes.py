"""Processes of a run: each carries its data folder's path in its environment, so that none is lost."""

import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MARK = "BRANCHLINE_RUN"
LOG_SIZE = 20 * 1024 * 1024


@dataclass
class Child:
    """A program that is kept running. Times are seconds."""

    name: str
    command: Sequence[str | Path]
    environment: dict[str, str]
    log: Path
    cwd: Path
    user: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, its output added to its log; a log that has grown too long is put aside first."""
        if self.log.exists() and self.log.stat().st_size > LOG_SIZE:
            self.log.rename(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.cwd,
                user=self.user,
            )

    def ended(self) -> int | None:
        """Return with what status it ended, none while it runs."""
        return None if self.process is None else self.process.poll()

    def stop(self, patience: float) -> None:
        """Ask it to end; end it when it has not after `patience`."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def marked(home: Path) -> list[psutil.Process]:
    """Return the processes of this data folder's runs but for the caller and those it was started by."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home) and process.pid not in mine:
                found.append(process)
        except psutil.Error:
            continue  # ended meanwhile, or somebody else's
    return found


def end(processes: Iterable[psutil.Process], patience: float = 20) -> None:
    """Ask processes to end, and end those that have not after `patience`."""
    left = list(processes)
    for process in left:
        _tell(process, signal.SIGINT if _is_postgres(process) else signal.SIGTERM)
    _, left = psutil.wait_procs(left, patience)
    for process in left:
        _tell(process, signal.SIGKILL)
    psutil.wait_procs(left, patience)


def _is_postgres(process: psutil.Process) -> bool:
    try:
        return str(process.name()) == "postgres"
    except psutil.NoSuchProcess:
        return False


def _tell(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
