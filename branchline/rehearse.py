"""`branchline rehearse FILE.yaml`: what the points of a chain's file would have given over all receipts.

Nothing is written, unless it is said to `--correct`: then the terms are published for that time, signed, and what was
earned is corrected by them. Repeated, it corrects what is left to correct.
"""

import argparse
import asyncio
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from branchline.chain import load
from branchline.chain_file import NotAChain, Points
from branchline.failure import CommandFailed
from branchline.office import OPERATORS_PATIENCE, Refused, open_office
from branchline.rehearsed import Rehearsed, money, plot, table
from branchline.settings import settings
from shared.errors import Unavailable


def register(subparsers: Any) -> None:
    """Add the command."""
    rehearse = subparsers.add_parser("rehearse", help="what other terms of points would have given; nothing is written")
    rehearse.add_argument(
        "file", type=Path, metavar="FILE.yaml", help="a chain's file, whose policies.points are the draft"
    )
    rehearse.add_argument(
        "--from", dest="since", type=_instant, help="only receipts from this instant on (ISO, with a zone)"
    )
    rehearse.add_argument("--json", type=Path, help="write all figures there")
    rehearse.add_argument("--plot", type=Path, help="write the difference by month there, as SVG")
    rehearse.add_argument("--correct", action="store_true", help="publish the terms for that time, and correct by them")
    rehearse.add_argument("--reason", help="with --correct: a code for why, such as our-mistake")
    rehearse.add_argument("--by", type=UUID, help="with --correct: the id of who signs it")
    rehearse.set_defaults(run=run)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("without a zone")
    return at


def run(arguments: argparse.Namespace) -> int:
    """Rehearse, and print who gains and who loses; then correct, when it is said."""
    if arguments.correct and not (arguments.since and arguments.reason and arguments.by):
        raise CommandFailed("--correct needs --from, --reason and --by")
    try:
        chain = load(arguments.file)
        points = chain.policies.points or Points()
        terms = points.terms(chain.chain.currency)
        told = asyncio.run(_rehearse(terms, arguments.since))
        value = points.point_minor or 1
        print("\n".join(table(told, value, chain.chain.currency)), flush=True)
        if arguments.plot:
            _write(arguments.plot, plot(told))
        if arguments.json:
            _write(arguments.json, json.dumps(_figures(told, value), indent=2) + "\n")
        if arguments.correct:
            print(asyncio.run(_correct(terms, arguments)))
    except (NotAChain, Refused, Unavailable) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    return 0


async def _correct(terms: dict[str, Any], arguments: argparse.Namespace) -> str:
    """Publish the terms, run the correction page by page, and return what it came to."""
    signed = {"from": arguments.since.isoformat(), "reason": arguments.reason, "signed_by": str(arguments.by)}
    points = customers = 0
    body: dict[str, Any] = {}
    async with open_office(settings(), patience=OPERATORS_PATIENCE) as office:
        version = (await office.ask("loyalty-points", "POST", "/v1/corrections", {"terms": terms, **signed}))["version"]
        while True:
            page = await office.ask("loyalty-points", "POST", f"/v1/corrections/{version}/run", body)
            points, customers = points + page["points"], customers + page["customers"]
            if page["next"] is None:
                return f"corrected by version {version}: {points:+,} points of {customers:,} customers"
            body["after"] = page["next"]


async def _rehearse(terms: dict[str, Any], since: datetime | None) -> Rehearsed:
    """Ask page by page: however many receipts there are, nobody holds more than a page of them."""
    told = Rehearsed()
    body: dict[str, Any] = {"terms": terms} | ({"from": since.isoformat()} if since else {})
    async with open_office(settings(), patience=OPERATORS_PATIENCE) as office:
        while True:
            page = await office.ask("loyalty-points", "POST", "/v1/rehearsals", body)
            told.add(page)
            if page["next"] is None:
                return told
            body["after"] = page["next"]


def _figures(told: Rehearsed, value: int) -> dict[str, Any]:
    places = [
        {"branch": branch, "tier": tier, "month": month, **tally}
        for (branch, tier, month), tally in told.places.items()
    ]
    return {
        "difference": told.difference(),
        "owed": told.owed(),
        "liability_minor": money(told.owed(), value),
        "customers": told.customers,
        "most": told.most,
        "places": places,
    }


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as failed:
        raise CommandFailed(f"{path}: {failed.strerror}") from failed
