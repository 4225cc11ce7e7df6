"""The `branchline` command: its subcommands by name. Each is a module, imported only when it is asked for.

A subcommand's module has `register(subparsers)`, which adds its parser with `run` as a default: that takes the parsed
arguments and returns the exit code. An error for the reader is raised as CommandFailed, with one sentence.
"""

import gc
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module

from branchline.failure import CommandFailed

IMPORTED = 50_000  # objects: what imports make is no garbage, and to look for some in it takes a tenth of their time

# name: module, what it does
SUBCOMMANDS = {
    "serve": ("branchline.serve", "run a service until it is told to stop"),
    "migrate": ("branchline.migrate", "make the roles, tables and topics of the services"),
    "token": ("branchline.token", "print a signed token"),
    "chain": ("branchline.chain", "apply a file of branches, tills and policies"),
    "import": ("branchline.receipts", "bring a salon's own export through the tills' door"),
    "rehearse": ("branchline.rehearse", "show what other terms of points would have given"),
    "simulate": ("branchline.simulation.command", "run the tills of a chain, and compare the outcome with an oracle"),
    "parked": ("branchline.parked", "list the keys that wait for an operator"),
    "contracts": ("branchline.contracts.command", "write what is generated from contracts/, or check that it is fresh"),
    "redrive": ("branchline.parked", "apply what waits for parked keys, after the fix"),
    "retell": ("branchline.retell", "let services say all again, when Kafka has lost what they said"),
    "rebase": ("branchline.rebase", "bring a store that was restored into line with what was heard of it"),
}


def main(given: Sequence[str] | None = None) -> int:
    """Run the subcommand that the arguments name; return the exit code."""
    words = list(sys.argv[1:] if given is None else given)
    if not words or words[0] not in SUBCOMMANDS:
        return _help(words)
    gc.set_threshold(IMPORTED)
    parser = ArgumentParser(prog="branchline")
    import_module(SUBCOMMANDS[words[0]][0]).register(parser.add_subparsers(required=True))
    arguments = parser.parse_args(words)
    try:
        return int(arguments.run(arguments))
    except CommandFailed as failed:
        print(f"branchline {words[0]}: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _help(words: Sequence[str]) -> int:
    is_asked = bool(words) and words[0] in ("-h", "--help", "help")
    out = sys.stdout if is_asked else sys.stderr
    if words and not is_asked:
        print(f"branchline: there is no subcommand {words[0]}", file=out)
    print("usage: branchline SUBCOMMAND [--help] ...\n", file=out)
    for name, (_, does) in SUBCOMMANDS.items():
        print(f"  {name:<10} {does}", file=out)
    return 0 if is_asked else 2


if __name__ == "__main__":
    sys.exit(main())
