"""The chain's description, as headquarters gives it and gets it back."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from contracts.money import Currency
from contracts.pos import TillKind
from services.pos.branch.domain import DescribeBranch, branch_id
from services.pos.chain.domain import DescribeChain
from services.pos.till.domain import RegisterTill, till_id
from shared.handling import Outcome
from shared.http import Here, Route, Who, Why, reading
from shared.message import Cause, Command, Issued
from shared.performing import in_transaction
from shared.postgres import Tx
from shared.running import Running

MOST_BRANCHES, MOST_TILLS = 20_000, 100_000
LARGEST_BATCH = 500

_CHAIN = "SELECT name AS chain, currency FROM chain"
_BRANCHES = "SELECT branch AS code, title AS name, zone, region FROM branch ORDER BY branch"
_TILLS = "SELECT till, branch, kind FROM till ORDER BY branch, till"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("not an IANA time zone") from None
    return name


Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$"), AfterValidator(_zone)]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BranchTold(_Described):
    """A branch."""

    code: Code
    name: Title
    zone: Zone
    region: Title


class TillTold(_Described):
    """A till of a branch."""

    till: Code
    branch: Code
    kind: Literal["till", "import"] = "till"


class ChainTold(_Described):
    """The chain; branches and tills that are left out stay as they are."""

    chain: Title
    currency: Currency
    branches: Annotated[tuple[BranchTold, ...], Field(max_length=MOST_BRANCHES)] = ()
    tills: Annotated[tuple[TillTold, ...], Field(max_length=MOST_TILLS)] = ()


async def put_chain(told: ChainTold, at: Here, caller: Who, cause: Why) -> dict[str, Any]:
    """Describe the chain: all of it, or nothing where a rule refuses a part."""
    now = datetime.now(UTC)
    first: list[Command] = [DescribeChain(at=now, chain=told.chain, currency=told.currency)]
    first += [
        DescribeBranch(at=now, branch_id=branch_id(b.code), branch=b.code, title=b.name, zone=b.zone, region=b.region)
        for b in told.branches
    ]
    tills = [
        RegisterTill(at=now, till_id=till_id(t.till), branch=t.branch, till=t.till, kind=TillKind(t.kind))
        for t in told.tills
    ]

    async def describe(tx: Tx) -> int:
        return await _all(at, tx, first, cause) + await _all(at, tx, tills, cause)

    changed = await in_transaction(at, describe)
    return {**await get_chain(at, caller), "changed": changed}


async def get_chain(at: Here, caller: Who) -> dict[str, Any]:
    """Return the chain as it is described."""
    async with reading(at, caller) as tx:
        chain = await tx.fetchrow(_CHAIN)
        return {
            "chain": chain["chain"] if chain else None,
            "currency": chain["currency"] if chain else None,
            "branches": [dict(row) for row in await tx.fetch(_BRANCHES)],
            "tills": [dict(row) for row in await tx.fetch(_TILLS)],
        }


async def _all(running: Running, tx: Tx, commands: list[Any], cause: Cause) -> int:
    """Return how many events the commands cause; raise the first refusal."""
    outcomes: list[Outcome] = []
    for start in range(0, len(commands), LARGEST_BATCH):
        some = commands[start : start + LARGEST_BATCH]
        outcomes += await running.handler.handle(tx, [Issued(command, cause) for command in some])
    for outcome in outcomes:
        if outcome.refusal:
            raise outcome.refusal
    return sum(len(outcome.events) for outcome in outcomes)


ROUTES = (
    Route("PUT", "/v1/chain", put_chain, frozenset({"headquarters"})),
    Route("GET", "/v1/chain", get_chain, frozenset({"headquarters", "staff", "service"})),
)
