"""`branchline chain apply FILE.yaml`: branches and tills to the tills' service, each policy to its own service."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from branchline.chain_file import ChainFile, Membership, NotAChain, Notification, Points, Policy, read_chain
from branchline.office import OPERATORS_PATIENCE, Office, Refused, open_office
from branchline.settings import settings
from shared.errors import Unavailable

PRESETS: dict[str, Policy] = {"membership": Membership(), "points": Points(), "notification": Notification()}
KEEPERS = {"membership": "membership", "points": "loyalty-points", "notification": "notification"}


def register(subparsers: Any) -> None:
    """Add the command."""
    chain = subparsers.add_parser("chain", help="describe the chain: branches, tills, policies")
    apply = chain.add_subparsers(required=True).add_parser("apply", help="make the chain what a file says; repeatable")
    apply.add_argument("file", type=Path, metavar="FILE.yaml", help="such as branchline/chains/demo.yaml")
    apply.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Apply the file and print what changed."""
    try:
        chain = load(arguments.file)
        changes = asyncio.run(_apply(chain))
    except (NotAChain, Refused, Unavailable) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    print("\n".join(changes) if changes else "nothing changed")
    return 0


def load(path: Path) -> ChainFile:
    """Return the chain of a file; raise NotAChain with a line for each fault."""
    try:
        return read_chain(path.read_text(encoding="utf-8"), str(path))
    except OSError as unreadable:
        raise NotAChain(f"{path}: {unreadable.strerror}") from unreadable
    except UnicodeDecodeError as unreadable:
        raise NotAChain(f"{path}: {unreadable}") from unreadable


async def _apply(chain: ChainFile) -> list[str]:
    async with open_office(settings(), patience=OPERATORS_PATIENCE) as office:
        return [*await apply_chain(office, chain), *await apply_policies(office, chain)]


async def apply_chain(office: Office, chain: ChainFile) -> list[str]:
    """Register branches and tills; return what changed, a line each."""
    was = _things(await office.ask("pos", "GET", "/v1/chain"))
    tills = [{"till": t, "branch": b.code, "kind": "till"} for b in chain.branches for t in b.till_codes()]
    branches = [{"code": b.code, "name": b.name, "zone": b.zone, "region": b.region} for b in chain.branches]
    body = {"chain": chain.chain.name, "currency": chain.chain.currency, "branches": branches, "tills": tills}
    now = _things(await office.ask("pos", "PUT", "/v1/chain", body))
    return [f"{'changed' if it in was else 'new'}: {it}: {now[it]}" for it in now if was.get(it) != now[it]]


def _things(told: Mapping[str, Any]) -> dict[str, str]:
    """Return a text for each thing that the tills' service knows of the chain."""
    things = {"chain": f"{told['chain']}, {told['currency']}"} if told["chain"] else {}
    for branch in told["branches"]:
        things[f"branch {branch['code']}"] = f"{branch['name']}, {branch['zone']}, region {branch['region']}"
    for till in told["tills"]:
        things[f"till {till['till']}"] = f"of {till['branch']}, kind {till['kind']}"
    return things


async def apply_policies(office: Office, chain: ChainFile, *, only: Sequence[str] = tuple(KEEPERS)) -> list[str]:
    """Publish the policies. One that the file leaves out has its preset, so that a later one never holds before it."""
    changes = []
    for name in only:
        policy: Policy | None = getattr(chain.policies, name)
        body: dict[str, Any] = {"terms": (policy or PRESETS[name]).terms(chain.chain.currency)}
        if policy and policy.starts_at:
            body["from"] = policy.starts_at.isoformat()
        now = await office.ask(KEEPERS[name], "PUT", "/v1/policy", body)
        if now["changed"]:
            changes.append(f"new: policy {name}, version {now['version']}: {body['terms']}")
    return changes
