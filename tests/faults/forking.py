"""`python -m tests.faults.forking [--ours]`: forks programs that find the libraries imported, and our code if wanted.

Most of a service's start is imports, and faults start hundreds. Orders come as lines of JSON on the standard input;
on the standard output it says of each process that it was started, and with what status it has ended.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import sys
from typing import Any

from shared import failpoints

LIBRARIES = (
    "aiokafka",
    "asyncpg",
    "babel",
    "cryptography.hazmat.primitives.ciphers.aead",
    "fastapi",
    "faststream.kafka",
    "httpx2",
    "jinja2",
    "joserfc.jwt",
    "opentelemetry.sdk.trace",
    "orjson",
    "phonenumbers",
    "prometheus_client",
    "structlog",
    "uvicorn",
    "uvloop",
    "yaml",
)
OURS = ("branchline", "contracts", "services", "shared")


def serve() -> dict[str, Any] | None:
    """Fork for each order until there are no more; return the order in the child, nothing in the parent."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    with selectors.DefaultSelector() as ready:
        ready.register(woken, selectors.EVENT_READ)
        ready.register(0, selectors.EVENT_READ)
        left = b""
        while True:
            found = {key.fd for key, _ in ready.select()}
            if woken in found:
                os.read(woken, 4096)
                _reap()
            if 0 not in found:
                continue
            if not (more := os.read(0, 65_536)):
                return None
            *orders, left = (left + more).split(b"\n")
            for line in orders:
                if (pid := os.fork()) == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os.close(woken)
                    os.close(wakes)
                    order: dict[str, Any] = json.loads(line)
                    return order
                _say(started=pid)


def become(order: dict[str, Any]) -> None:
    """Be the program of an order: a module with its words, environment, log and folder."""
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for given, taken in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(given, taken)
    os.close(nothing)
    os.close(log)
    arm()
    module, *sys.argv[1:] = order["words"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def prepare(*, ours: bool) -> None:
    """Import what the programs will want."""
    for library in LIBRARIES:
        importlib.import_module(library)
    for package in OURS if ours else ():
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # a page that no collection writes to stays shared


def arm() -> None:
    """Let modules that were imported without the failpoints of this environment have them, and all later ones."""
    text = os.environ.get(failpoints.VARIABLE)
    if not text:
        return
    reached, off = failpoints.armed(text), failpoints.reached
    for module in list(sys.modules.values()):
        if vars(module).get("reached") is off:
            vars(module)["reached"] = reached


def _reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(ended=pid, status=os.waitstatus_to_exitcode(status))


def _say(**told: int) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    prepare(ours="--ours" in sys.argv)
    if (order := serve()) is not None:
        become(order)
