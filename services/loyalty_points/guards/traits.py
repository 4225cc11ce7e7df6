"""Since when each customer is of which tier, and has her birthday in which month. Each holds until the next one's."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from services.loyalty_points.domain import BirthdayMonthNoted, NoteBirthdayMonth, NoteTier, TierNoted
from shared.message import Event
from shared.policy import Policies
from shared.postgres import Tx

Moment: TypeAlias = tuple[UUID, datetime]
Kind: TypeAlias = Literal["tier", "birthday_month"]
Noting: TypeAlias = NoteTier | NoteBirthdayMonth
Noted: TypeAlias = TierNoted | BirthdayMonthNoted

KINDS: tuple[Kind, ...] = ("tier", "birthday_month")

_IN_FORCE = """
SELECT a.customer_id, a.at, t.kind, t.value
FROM unnest($1::uuid[], $2::timestamptz[]) AS a (customer_id, at) CROSS JOIN unnest($3::text[]) AS k (kind)
CROSS JOIN LATERAL (
  SELECT kind, value FROM trait WHERE customer_id = a.customer_id AND kind = k.kind AND from_at <= a.at
  ORDER BY from_at DESC, value DESC LIMIT 1
) AS t
"""
_HEARD = """
SELECT a.place, EXISTS (
  SELECT FROM trait t
  WHERE t.customer_id = a.customer_id AND t.kind = a.kind AND t.from_at = a.from_at AND t.value = a.value
) AS is_known, (
  SELECT t.from_at FROM trait t
  WHERE t.customer_id = a.customer_id AND t.kind = a.kind AND t.from_at >= a.from_at
    AND (t.from_at, t.value) > (a.from_at, a.value)
  ORDER BY t.from_at, t.value LIMIT 1
) AS until
FROM unnest($1::int[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
  AS a (place, customer_id, kind, from_at, value)
"""
_NOTE = """
INSERT INTO trait (customer_id, kind, from_at, value)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[])
"""


class Traits(NamedTuple):
    """What holds of a customer at an instant, by the names that a receipt has for it; None was never told."""

    tier: str | None = None
    birthday_month: int | None = None


def looked_at(dated: Policies) -> frozenset[Kind]:
    """Return which of them any policy looks at."""
    all_earning = [one.terms.earning for one in dated.versions]
    matters: dict[Kind, bool] = {
        "tier": any(earning.by_tier for earning in all_earning),
        "birthday_month": any(bonus.birthday_month for earning in all_earning for bonus in earning.bonuses),
    }
    return frozenset(kind for kind, does in matters.items() if does)


def named(told: Noting | Noted) -> tuple[Kind, str]:
    """Return the kind and value of what is told, as they are kept."""
    match told:
        case NoteTier(tier=tier) | TierNoted(tier=tier):
            return "tier", tier
        case NoteBirthdayMonth(month=month) | BirthdayMonthNoted(month=month):
            return "birthday_month", f"{month:02}"


async def in_force(tx: Tx, moments: Iterable[Moment], kinds: Collection[Kind] = KINDS) -> Mapping[Moment, Traits]:
    """Return what of these kinds holds of each customer at each instant."""
    asked = sorted(set(moments))
    found: dict[Moment, dict[str, str]] = defaultdict(dict)
    if asked and kinds:
        who, at = [one for one, _ in asked], [one for _, one in asked]
        for row in await tx.fetch(_IN_FORCE, who, at, list(kinds)):
            found[row["customer_id"], row["at"]][row["kind"]] = row["value"]
    return {moment: _traits(found[moment]) for moment in asked}


def _traits(known: Mapping[str, str]) -> Traits:
    month = known.get("birthday_month")
    return Traits(known.get("tier"), int(month) if month else None)


class Heard(NamedTuple):
    """Whether it is known that something holds, and when the next of its kind begins; None is never."""

    is_known: bool
    until: datetime | None


async def heard(tx: Tx, commands: Mapping[int, Noting]) -> Mapping[int, Heard]:
    """Return by place what has been heard of each, and the next one."""
    if not commands:
        return {}
    told = commands.values()
    kinds, values = zip(*map(named, told), strict=True)
    rows = await tx.fetch(
        _HEARD, list(commands), [c.under or c.customer_id for c in told], kinds, [c.at for c in told], values
    )
    return {row["place"]: Heard(row["is_known"], row["until"]) for row in rows}


async def keep(tx: Tx, told: Sequence[Event]) -> None:
    """Keep what holds."""
    if noted := [e for e in told if isinstance(e, Noted)]:
        kinds, values = zip(*map(named, noted), strict=True)
        await tx.execute(_NOTE, [e.customer_id for e in noted], kinds, [e.at for e in noted], values)
