"""Who was given up for customers, as their accounts have it: asked where something is of another id than its own."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from services.loyalty_points.domain.identity import Other, as_whom
from shared.postgres import Tx

# an account of a form that knew no others has none
_KNOWN = """
SELECT id, coalesce(state ->> 'others', '[]') AS others, (state ->> 'debt')::bigint AS debt FROM stream
WHERE id = ANY($1::uuid[])
"""
_OTHERS = TypeAdapter(tuple[Other, ...])


class Whole(NamedTuple):
    """Who else a customer is, and what she owes."""

    others: tuple[Other, ...] = ()
    debt: int = 0


async def known(tx: Tx, accounts: Iterable[UUID]) -> Mapping[UUID, Whole]:
    """Return it by account: as the transaction has left it that holds their streams."""
    asked = sorted(set(accounts))
    if not asked:
        return {}
    rows = await tx.fetch(_KNOWN, asked)
    return {row["id"]: Whole(_OTHERS.validate_json(row["others"]), row["debt"] or 0) for row in rows}


def earner(whole: Whole | None, owner: UUID, sold_to: UUID, at: datetime) -> UUID | None:
    """Return as whom she earns by a receipt; None is as whose account it is on."""
    who = as_whom(whole.others if whole else (), sold_to, at)
    return None if who == owner else who
