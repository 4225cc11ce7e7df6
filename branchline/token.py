"""Print a token for a role, signed with the cell's key, for as many hours as asked."""

from argparse import Namespace
from datetime import timedelta
from typing import Any

from branchline.failure import CommandFailed
from branchline.settings import settings
from shared.tokens import PRESET_TTL, ROLES, Tokens


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("token", help="print a signed token")
    parser.set_defaults(run=run)
    parser.add_argument("--role", required=True, choices=sorted(ROLES))
    parser.add_argument("--branch", help="the only branch it is good for; left out, a till or staff may act for none")
    parser.add_argument("--subject", help="a till's code, or a person's id")
    parser.add_argument("--hours", type=float, default=PRESET_TTL.total_seconds() / 3600)


def run(arguments: Namespace) -> int:
    """Print the token."""
    if arguments.role == "till" and not arguments.branch:
        raise CommandFailed("a till's token names its --branch")
    try:
        tokens = Tokens(settings())
    except FileNotFoundError as missing:
        raise CommandFailed(f"the key {missing.filename} is not there") from None
    ttl = timedelta(hours=arguments.hours)
    print(tokens.sign(arguments.role, branch=arguments.branch, subject=arguments.subject, ttl=ttl))
    return 0
