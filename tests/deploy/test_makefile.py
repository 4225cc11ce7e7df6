"""The Makefile is the only door, and says what is behind it."""

import os
import subprocess

from deploy.local.places import CHECKOUT

TARGETS = {"help", "demo", "up", "down", "test", "check", "faults", "bench"}


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_make_alone_lists_every_target_with_what_it_does() -> None:
    lines = [line.split(maxsplit=2) for line in make().stdout.splitlines()]
    assert {target for _, target, what in lines if what} == TARGETS


def test_a_machine_without_python_is_told_what_is_missing() -> None:
    said = make("--dry-run", "installed", "PYTHON=")
    assert "needs Python 3.11 or newer" in said.stdout
