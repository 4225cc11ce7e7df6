"""`branchline simulate`: the tills of a chain, and then a comparison with an oracle that knows only their journals."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from branchline import chain as chain_command
from branchline.chain_file import ChainFile, NotAChain
from branchline.office import Office, Refused, open_office
from branchline.settings import settings
from branchline.simulation.books import read_tills
from branchline.simulation.journal import read_answers, read_entries, tills_of
from branchline.simulation.session import CannotBegin, Plan, locked, play
from branchline.simulation.verdict import counts, judge, versions
from shared.settings import Settings

DEMO = Path(chain_command.__file__).with_name("chains") / "demo.yaml"
SHOWN = 50
EVER = "ever"
CUT_SHORT = 130


def register(subparsers: Any) -> None:
    """Add the command."""
    simulate = subparsers.add_parser("simulate", help="play the tills of a chain, then compare the books with them")
    simulate.add_argument("--seed", default="branchline", help="the same seed makes the same days")
    simulate.add_argument("--sales-per-second", type=_above_zero, default=5.0, metavar="N", help="of the whole chain")
    simulate.add_argument(
        "--for", dest="seconds", type=_seconds, default=60.0, metavar="SECONDS|ever", help="preset: 60"
    )
    simulate.add_argument("--customers", type=_above_none, default=1200, metavar="N")
    simulate.add_argument("--chain", type=Path, default=DEMO, metavar="FILE.yaml", help="preset: the demo's")
    simulate.add_argument("--journals", type=Path, metavar="DIR", help="the tills' own memory (.local/journals/CELL)")
    simulate.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play and compare: 0 equal, 1 not equal, 2 it could not begin, 130 cut short (the journals go on next time)."""
    try:
        chosen = settings()
        journals = arguments.journals or Path(".local/journals") / chosen.cell
        return asyncio.run(_simulate(arguments, chosen, chain_command.load(arguments.chain), journals))
    except (CannotBegin, NotAChain, Refused) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        print("cut short: what was not sent is in the journals, and goes out next time", file=sys.stderr)
        return CUT_SHORT


def _above_zero(text: str) -> float:
    if (number := float(text)) <= 0:
        raise ValueError
    return number


def _above_none(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def _seconds(text: str) -> float | None:
    return None if text == EVER else _above_zero(text)


async def _simulate(arguments: argparse.Namespace, chosen: Settings, chain: ChainFile, journals: Path) -> int:
    stop = _on_signals()
    async with open_office(chosen) as office:
        with locked(journals) as session:
            await _prepare(office, chain, journals)
            policy = await office.ask("membership", "GET", "/v1/policy")
            plan = Plan(
                chain=chain,
                journals=journals,
                seed=arguments.seed,
                sales_per_second=arguments.sales_per_second,
                seconds=arguments.seconds,
                customers=arguments.customers,
                join_minimum=versions(policy)[-1][1]["join_minimum_minor"],
            )
            tills = sum(branch.tills for branch in chain.branches)
            until = f"for {arguments.seconds:g} s" if arguments.seconds else "until Ctrl-C"
            print(f"session {session}: {len(chain.branches)} branches, {tills} tills sell {until}", flush=True)
            print(
                f"on purpose some are offline, repeat themselves or send what is wrong; journals in {journals}",
                flush=True,
            )
            await play(plan, office, session, stop)
            return await _compare(office, chain, journals)


async def _prepare(office: Office, chain: ChainFile, journals: Path) -> None:
    """Make the chain known, with its policies; one that the file leaves out stays as it was published."""
    codes = [till for branch in chain.branches for till in branch.till_codes()]
    if others := sorted(tills_of(journals) - set(codes)):
        raise CannotBegin(
            f"{journals} has the journal of {others[0]} too, and the chain file does not name it: customers go to any "
            "branch, so give a file with all of them, or begin with a new system and an empty folder"
        )
    await chain_command.apply_chain(office, chain)
    missing = [
        name
        for name, keeper in chain_command.KEEPERS.items()
        if getattr(chain.policies, name) or not (await office.ask(keeper, "GET", "/v1/policy"))["versions"]
    ]
    await chain_command.apply_policies(office, chain, only=missing)
    await _see_journals(office, codes, journals)


async def _see_journals(office: Office, codes: Sequence[str], journals: Path) -> None:
    """Raise CannotBegin where a till stands elsewhere than its journal says."""
    seen = await read_tills(office)
    for till in codes:
        seqs = [one.entry.seq for one in read_entries(journals / f"{till}.items")]
        answered = max((seqs[place] for place, _ in read_answers(journals / f"{till}.answers")), default=0)
        high = seen[till].high
        if high > max(seqs, default=0):
            raise CannotBegin(
                f"till {till} has sent up to {high}, and its journal in {journals} knows {max(seqs, default=0)}: "
                "give the folder of its journals, or begin with a system that has taken nothing"
            )
        if high < answered:
            raise CannotBegin(
                f"till {till} was answered up to {answered}, as its journal in {journals} knows, and stands at {high}: "
                "this system is another one, or it has lost what it took; for another one, begin with an empty folder"
            )


async def _compare(office: Office, chain: ChainFile, journals: Path) -> int:
    verdict = await judge(office, chain, journals)
    _tell(verdict.differences)
    print(
        f"{'not equal' if verdict.differences else 'equal'}: {counts(verdict.truth, chain.chain.currency)}", flush=True
    )
    return 1 if verdict.differences else 0


def _tell(lines: Sequence[str]) -> None:
    for line in lines[:SHOWN]:
        print(line)
    if len(lines) > SHOWN:
        print(f"and {len(lines) - SHOWN:,} more")


def _on_signals() -> asyncio.Event:
    """Stop selling at the first Ctrl-C; be cut short by the second, or when told to terminate."""
    loop, stop, playing = asyncio.get_running_loop(), asyncio.Event(), asyncio.current_task()
    assert playing

    def interrupted() -> None:
        if stop.is_set():
            playing.cancel()
        stop.set()
        print("sending the rest, then comparing; once more to leave at once", file=sys.stderr, flush=True)

    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGTERM, playing.cancel)
    return stop
