"""The acts that have earned: each once for ever, and so often within a period."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.loyalty_points import PointsAwarded
from services.loyalty_points.domain import AwardPoints
from services.loyalty_points.periods import days_of
from services.loyalty_points.terms import Terms
from shared.message import Event
from shared.policy import policies
from shared.postgres import Tx

_HAD = """
SELECT a.place, count(*) FILTER (WHERE w.act_id = a.act_id) > 0 AS is_known,
  count(*) FILTER (WHERE w.awarded_on BETWEEN a.first_on AND a.last_on) AS had
FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::date[])
  AS a (place, owner, act, act_id, first_on, last_on)
JOIN award w ON w.owner = a.owner AND w.act = a.act
GROUP BY a.place
"""
_KEEP = """
INSERT INTO award (customer_id, owner, act, act_id, branch, awarded_on, points)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::date[], $7::bigint[])
"""


async def known(tx: Tx, commands: Mapping[int, AwardPoints]) -> Mapping[int, dict[str, Any]]:
    """Return by place the policy of the time, whether the act has earned, and how many of its kind in its period."""
    if not commands:
        return {}
    dated = await policies(tx, Terms)
    held = {place: dated.at(command.at) for place, command in commands.items()}
    limits = {
        place: one.terms.acts[commands[place].act].limit
        for place, one in held.items()
        if commands[place].act in one.terms.acts
    }
    periods = [days_of(limit.per if (limit := limits.get(place)) else "ever", c.on) for place, c in commands.items()]
    told = commands.values()
    rows = await tx.fetch(
        _HAD,
        list(commands),
        [c.customer_id for c in told],
        [c.act for c in told],
        [c.act_id for c in told],
        [first for first, _ in periods],
        [last for _, last in periods],
    )
    had = {row["place"]: {"is_known": row["is_known"], "had": row["had"]} for row in rows}
    return {p: {"terms": o.terms, "policy_version": o.version} | had.get(p, {}) for p, o in held.items()}


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Keep what acts have earned."""
    if awarded := [e for e in told if isinstance(e, PointsAwarded)]:
        await tx.execute(
            _KEEP,
            [e.origin or e.customer_id for e in awarded],
            [e.customer_id for e in awarded],
            [e.act for e in awarded],
            [e.act_id for e in awarded],
            [e.branch for e in awarded],
            [e.on for e in awarded],
            [e.points for e in awarded],
        )
