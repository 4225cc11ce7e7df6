"""A till sends again until it is answered: whenever the service dies, what comes of it is the same."""

import asyncio
from typing import Any

import asyncpg
import httpx2

from shared.settings import Settings
from tests.cell import Cell, cell
from tests.services.pos.shop import Item, chain_of, refund, sale

BRANCH, TILL = "TOR1", "TOR1-1"
BATCHES, BATCH = 30, 40
KILLED_AT = (5, 20)

_SAID = "SELECT type, count(*), sum((data ->> 'net_minor')::bigint) AS net FROM event GROUP BY type"


async def test_what_a_till_sends_to_a_service_that_is_killed_is_taken_once(settings: Settings) -> None:
    async with cell(settings, ["membership", "pos"], processes=True) as chain:
        answer = await chain.client("pos").put("/v1/chain", json=chain_of(BRANCH))
        assert answer.status_code == 200
        outcomes = await _send_all(chain)
        assert all(set(outcome) <= {"accepted", "duplicate"} for outcome in outcomes)
        (till,) = [one for one in (await chain.client("pos").get("/v1/tills")).json() if one["till"] == TILL]
        assert (till["missing"], till["waiting"], till["high"]) == ([], 0, BATCHES * BATCH)
        said = await _said(settings)
        assert said["SaleRecorded"] == (BATCHES * BATCH // 2, sum(range(1, BATCHES * BATCH, 2)) * 100)
        assert said["SaleRefunded"][0] == BATCHES * BATCH // 2


def _batch(n: int) -> list[Item]:
    """Return sales, each with its refund before it."""
    items = []
    for seq in range(n * BATCH + 1, (n + 1) * BATCH + 1, 2):
        items.append(refund(seq + 1, str(seq), (1, 100)))
        items.append(sale(seq, str(seq), seq * 100, customer={"card": str(seq % 50)}))
    return items


async def _send_all(chain: Cell) -> list[list[str]]:
    """Return what each item was answered, of requests between which the service is killed, twice."""
    client = chain.client("pos", "till", branch=BRANCH, subject=TILL)
    outcomes, kills = [], []
    for n in range(BATCHES):
        if n in KILLED_AT:
            kills.append(asyncio.create_task(chain.kill("pos")))
        outcomes.append(await _send(client, {"items": _batch(n)}))
    await asyncio.gather(*kills)
    return outcomes


async def _send(client: httpx2.AsyncClient, body: Any) -> list[str]:
    """Return what each item was answered by the first service that lived to say it."""
    async with asyncio.timeout(60):
        while True:
            try:
                answer = await client.post(f"/v1/tills/{TILL}/events", json=body)
            except httpx2.TransportError:
                await asyncio.sleep(0.02)
                continue
            if answer.status_code == 200:
                return [one["outcome"] for one in answer.json()["items"]]
            assert answer.status_code == 503, answer.text


async def _said(settings: Settings) -> dict[str, tuple[int, int | None]]:
    connection = await asyncpg.connect(settings.service_url("pos"))
    await connection.execute("SELECT set_config('search_path', $1, false)", settings.schema("pos"))
    rows = await connection.fetch(_SAID)
    await connection.close()
    return {row["type"]: (row["count"], row["net"]) for row in rows}
