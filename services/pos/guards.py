"""The registry's tables: the chain, its branches and tills, moved with the events that describe them."""

from collections.abc import Sequence

from contracts.pos import BranchDescribed, ChainDescribed, TillRegistered
from services.pos.branch.domain import DescribeBranch
from services.pos.chain.domain import DescribeChain
from services.pos.till.domain import NoteIntake, RegisterTill
from shared.message import Envelope
from shared.postgres import Tx

_BRANCHES = "SELECT branch FROM branch WHERE branch = ANY($1::text[])"
_CHAIN = """
INSERT INTO chain (name, currency) VALUES ($1, $2)
ON CONFLICT (one) DO UPDATE SET name = excluded.name, currency = excluded.currency
"""
_BRANCH = """
INSERT INTO branch (branch, title, zone, region) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (branch) DO UPDATE SET title = excluded.title, zone = excluded.zone, region = excluded.region
"""
_TILL = "INSERT INTO till (till, branch, kind) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])"

Described = DescribeChain | DescribeBranch | RegisterTill | NoteIntake


async def gather(tx: Tx, commands: Sequence[Described]) -> Sequence[Described]:
    """Bring to each new till whether its branch is there."""
    asked = {command.branch for command in commands if isinstance(command, RegisterTill)}
    known = {row["branch"] for row in await tx.fetch(_BRANCHES, sorted(asked))} if asked else set()
    return [
        command.model_copy(update={"branch_is_known": command.branch in known})
        if isinstance(command, RegisterTill)
        else command
        for command in commands
    ]


async def guard(tx: Tx, events: Sequence[Envelope]) -> None:
    """Move the chain, the branches and the tills."""
    for chain in (e.event for e in events if isinstance(e.event, ChainDescribed)):
        await tx.execute(_CHAIN, chain.chain, chain.currency)
    branches = [e.event for e in events if isinstance(e.event, BranchDescribed)]
    if branches:
        columns = zip(*((b.branch, b.title, b.zone, b.region) for b in branches), strict=True)
        await tx.execute(_BRANCH, *(list(column) for column in columns))
    tills = [e.event for e in events if isinstance(e.event, TillRegistered)]
    if tills:
        columns = zip(*((t.till, t.branch, t.kind.value) for t in tills), strict=True)
        await tx.execute(_TILL, *(list(column) for column in columns))
