"""`python -m deploy.local up | down | demo | fetch`: what the Makefile's targets call."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.local.faults import Failed
from deploy.local.places import CHECKOUT, LOCAL, SERVICES
from deploy.local.plan import Plan
from deploy.local.processes import MARK
from deploy.local.run import Run, fetch
from deploy.local.state import State, is_running
from deploy.local.supervisor import supervise
from shared.settings import PORTS


class _Ended(KeyboardInterrupt):
    """The session is over, or somebody sent SIGTERM."""


def main() -> int:
    """Do as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(prog="deploy.local")
    parser.add_argument("action", choices=("up", "down", "demo", "fetch", "supervise"))
    parser.add_argument("--home", type=Path, default=LOCAL)
    parser.add_argument("--services", default=",".join(SERVICES))
    parser.add_argument("--leashed", action="store_true")
    parser.add_argument("--passing", action="store_true")
    asked = parser.parse_args()
    home, services = asked.home.resolve(), tuple(name for name in asked.services.split(",") if name)
    match asked.action:
        case "up":
            return up(Run(home, services))
        case "down":
            return down(Run(home, services))
        case "fetch":
            return fetched()
        case "demo":
            return demo(Run(home, services, leashed=True))
        case _:
            return supervise(Plan(home, services, durable=not asked.passing), leashed=asked.leashed)


def up(run: Run) -> int:
    """Start everything and leave it running; interrupted before it is ready, it leaves nothing."""
    _stop_on_signals()
    try:
        _tell(run, run.start(), "`make down`")
    except Failed as failure:
        print(f"Branchline did not start: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        run.stop()
        return 130
    return 0


def fetched() -> int:
    """Fetch what the servers and the page need, and start nothing."""
    try:
        fetch(with_page=True)
    except Failed as failure:
        print(f"Not fetched: {failure}", file=sys.stderr)
        return 1
    return 0


def down(run: Run) -> int:
    """Stop everything."""
    print("Stopped." if run.stop() else "Nothing was running.")
    return 0


def demo(run: Run) -> int:
    """Start everything and let a chain's tills sell until interrupted; then compare, and stop what this started.

    The first Ctrl-C ends the selling, a second one the comparison too. Returns 1 where the figures are not equal.
    """
    _stop_on_signals()
    was_running = is_running(run.home)
    try:
        state = run.start()
        _tell(run, state, "`make down`" if was_running else "Ctrl-C")
        journals = str(run.home / "journals" / state.environment["BRANCHLINE_CELL"])
        selling = _branchline(state, run, "simulate", "--for", "ever", "--journals", journals)
        return 1 if _followed(run, selling) == 1 else 0
    except Failed as failure:
        print(f"Branchline did not start: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if not was_running:
            print("Stopping everything.", flush=True)
            run.stop()


def _followed(run: Run, selling: "subprocess.Popen[bytes]") -> int:
    """Return the status with which the selling ended; what interrupts this process is told to it."""
    while selling.poll() is None:
        try:
            run.follow()
            if not run.lives():
                selling.terminate()
            time.sleep(0.2)
        except _Ended:
            selling.terminate()
        except KeyboardInterrupt:
            selling.send_signal(signal.SIGINT)
    return selling.returncode


def _tell(run: Run, state: State, ending: str) -> None:
    base = int(state.environment["BRANCHLINE_PORTS"])
    print("\nBranchline is up.\n")
    if "projection" in run.services:
        asked, environment = _command("token", "--role", "headquarters"), _environment(state, run)
        token = subprocess.check_output(asked, env=environment, cwd=CHECKOUT, text=True).strip()
        print(f"Headquarters, logged in:\n  http://127.0.0.1:{base + PORTS['projection']}/login?token={token}\n")
    for name in run.services:
        print(f"  {name:<15} http://127.0.0.1:{base + PORTS[name]}")
    print(f"  {'postgres':<15} {state.environment['BRANCHLINE_DATABASE_URL']}")
    print(f"  {'kafka':<15} {state.environment['BRANCHLINE_KAFKA']}")
    print(f"  {'logs':<15} {run.home / 'logs'}")
    print(f"\n{ending} stops everything.\n", flush=True)


def _branchline(state: State, run: Run, *arguments: str) -> "subprocess.Popen[bytes]":
    # In a session of its own: a Ctrl-C at the terminal reaches this process only, which passes it on once.
    return subprocess.Popen(_command(*arguments), env=_environment(state, run), cwd=CHECKOUT, start_new_session=True)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "branchline", *arguments]


def _environment(state: State, run: Run) -> dict[str, str]:
    return {**os.environ, **state.environment, MARK: str(run.home)}


def _stop_on_signals() -> None:
    """Make an end of the session or a SIGTERM do what Ctrl-C does, and at once."""

    def interrupt(*_: object) -> None:
        raise _Ended

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


if __name__ == "__main__":
    sys.exit(main())
