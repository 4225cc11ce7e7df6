"""What was kept in an older form: receipts before it was known by which rule they earn, and tiers by themselves."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from services.loyalty_points import app
from services.loyalty_points.guards import traits
from services.loyalty_points.guards.traits import Traits
from shared.running import Running

FOLDER = Path(app.__file__).with_name("migrations")
AT = datetime(2026, 3, 1, 15, tzinfo=UTC)

_EVENT = "CREATE TABLE event (stream_id uuid, type text, data jsonb)"
_BEFORE = """
INSERT INTO receipt (customer_id, sale_id, branch, zone, sold_on, sold_at, receipt_order, net_minor, lines, terms,
                     policy_version)
VALUES ($1, $2, 'TOR1', 'America/Toronto', $3, $4, '1', 1300, '{"1": 700, "3": 300}', '{}', 0)
"""
_TOLD = "INSERT INTO event VALUES ($1, $2, $3::text::jsonb)"
_NOW = "SELECT sold::text, earned::text, kept, lots FROM receipt WHERE sale_id = $1"


async def test_a_tier_that_was_known_is_known_among_the_traits(loyalty_points: Running) -> None:
    mei = uuid4()
    async with loyalty_points.pool.acquire() as tx:
        tier = FOLDER.joinpath("004_tier.sql").read_text()
        await tx.execute(tier.replace("CREATE TABLE", "CREATE TEMP TABLE"))
        await tx.execute("INSERT INTO tier VALUES ($1, $2, 'gold')", mei, AT)
        trait = FOLDER.joinpath("010_trait.sql").read_text()
        await tx.execute(trait.replace("CREATE TABLE", "CREATE TEMP TABLE"))
        known = await traits.in_force(tx, [(mei, AT), (mei, AT - timedelta(seconds=1))])
        await tx.execute("DROP TABLE pg_temp.trait")
    assert list(known.values()) == [Traits(), Traits("gold")]


async def test_what_it_has_earned_and_kept_is_taken_from_what_was_said(loyalty_points: Running) -> None:
    mei, li, earning, waiting = uuid4(), uuid4(), uuid4(), uuid4()
    lines = {"1": 1_000, "3": 300}
    async with loyalty_points.pool.acquire() as tx:
        for text in (FOLDER.joinpath("001_receipt.sql").read_text(), _EVENT):
            await tx.execute(text.replace("CREATE TABLE", "CREATE TEMP TABLE"))
        for who, sale_id in ((mei, earning), (li, waiting)):
            await tx.execute(_BEFORE, who, sale_id, date(2026, 3, 1), AT)
            await tx.execute(_TOLD, who, "ReceiptNoted", json.dumps({"sale_id": str(sale_id), "lines": lines}))
        for kind, points in (("PointsEarned", 13), ("PointsTakenBack", 2), ("PointsTakenBack", 1)):
            await tx.execute(_TOLD, mei, kind, json.dumps({"sale_id": str(earning), "points": points}))
        await tx.execute(FOLDER.joinpath("005_earned.sql").read_text())
        told, untold = await tx.fetchrow(_NOW, earning), await tx.fetchrow(_NOW, waiting)
        await tx.execute("DROP TABLE receipt; DROP TABLE event")
    sold = {"1": [1_000, ["unknown", ""]], "3": [300, ["unknown", ""]]}
    assert told is not None
    assert untold is not None
    assert [json.loads(row["sold"]) for row in (told, untold)] == [sold, sold]
    assert (json.loads(told["earned"]), told["kept"], told["lots"]) == ({"base": 13}, 10, 1)
    assert (json.loads(untold["earned"]), untold["kept"], untold["lots"]) == ({}, 0, 0)
