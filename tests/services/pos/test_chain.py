"""The chain is data: described as often as one likes, and only what changed is an event."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.pos import BranchDescribed, ChainDescribed, TillRegistered
from services.pos.branch import domain as branch
from services.pos.branch.domain import DescribeBranch, branch_id
from services.pos.chain import domain as chain
from services.pos.chain.domain import DescribeChain
from tests.scenario import Scenario
from tests.services.pos.shop import Shop, chain_of

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
DESCRIBED = ChainDescribed(at=AT, chain="Demo", currency="CAD")
TORONTO: dict[str, Any] = {"at": AT, "branch": "TOR1", "title": "Toronto", "zone": "America/Toronto", "region": "east"}


def test_a_chain_is_described_once() -> None:
    Scenario(chain).when(DescribeChain(at=AT, chain="Demo", currency="CAD")).then(DESCRIBED)
    Scenario(chain).given(DESCRIBED).when(DescribeChain(at=AT, chain="Demo", currency="CAD")).then()


def test_a_chain_may_be_renamed_but_its_currency_stays() -> None:
    renamed = ChainDescribed(at=AT, chain="Other", currency="CAD")
    Scenario(chain).given(DESCRIBED).when(DescribeChain(at=AT, chain="Other", currency="CAD")).then(renamed)
    Scenario(chain).given(DESCRIBED).when(DescribeChain(at=AT, chain="Demo", currency="USD")).rejected("currency-fixed")


def test_a_branch_is_described_anew_when_something_of_it_changes() -> None:
    opened, moved = BranchDescribed(**TORONTO), BranchDescribed(**TORONTO | {"region": "lakes"})
    again = DescribeBranch(**TORONTO, branch_id=branch_id("TOR1"))
    change = DescribeBranch(**TORONTO | {"region": "lakes"}, branch_id=branch_id("TOR1"))
    Scenario(branch).when(again).then(opened)
    Scenario(branch).given(opened).when(again).then()
    Scenario(branch).given(opened).when(change).then(moved)


async def test_the_same_chain_again_says_nothing(shop: Shop) -> None:
    before = await shop.told()
    assert (await shop.put_chain(chain_of(shop.branch))).json() == {**await shop.get("/v1/chain"), "changed": 0}
    assert await shop.told() == before
    assert [type(e) for e in before] == [BranchDescribed, TillRegistered, TillRegistered, TillRegistered]


async def test_what_is_new_is_said_and_what_is_left_out_stays(shop: Shop) -> None:
    known = await shop.get("/v1/chain")
    more = chain_of(f"{shop.branch}N") | {"tills": [{"till": f"{shop.branch}-3", "branch": shop.branch}]}
    assert (await shop.put_chain(more)).json()["changed"] == 2
    (said,) = (await shop.told(TillRegistered))[3:]
    assert (said.till, said.kind) == (f"{shop.branch}-3", "till")
    now = await shop.get("/v1/chain")
    assert len(now["branches"]) == len(known["branches"]) + 1
    assert len(now["tills"]) == len(known["tills"]) + 1


async def test_a_refused_part_leaves_the_chain_as_it_was(shop: Shop) -> None:
    known = await shop.get("/v1/chain")
    tills = [{"till": f"{shop.branch}-9", "branch": shop.branch}, {"till": "NOWHERE-1", "branch": "NOWHERE"}]
    answer = await shop.put_chain({"chain": "Other", "currency": "CAD", "tills": tills})
    assert (answer.status_code, answer.json()["code"]) == (409, "branch-unknown")
    assert await shop.get("/v1/chain") == known


TORONTO_1 = {"code": "TOR1", "name": "Toronto", "zone": "America/Toronto", "region": "east"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "dollars"},
        {"chain": "a\0b"},
        {"branches": [TORONTO_1 | {"zone": "Canada/Nowhere"}]},
        {"branches": [TORONTO_1 | {"zone": "../../etc/passwd"}]},
        {"branches": [TORONTO_1 | {"code": "TOR/1"}]},
        {"branches": [TORONTO_1 | {"staff": []}]},
        {"tills": [{"till": "TOR1-1", "branch": "TOR1", "kind": "drawer"}]},
        {"tills": 7},
    ],
    ids=str,
)
async def test_a_chain_that_cannot_be_read_is_malformed(shop: Shop, wrong: dict[str, Any]) -> None:
    answer = await shop.put_chain({"chain": "Demo", "currency": "CAD"} | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
