"""What a basket costs: quoted as often as one likes, committed once for ever, rolled back once."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from contracts.money import LARGEST
from services.loyalty_points.basket.asked import Asked
from services.loyalty_points.basket.committing import commit as committed
from services.loyalty_points.basket.committing import roll_back as rolled_back
from services.loyalty_points.basket.domain import Basket, BasketCommitted
from services.loyalty_points.basket.pricing import price
from services.loyalty_points.basket.standing import clock, standing
from services.loyalty_points.chosen import Chosen
from services.loyalty_points.domain.forgiving import Reason
from services.loyalty_points.routes.doing import PEOPLE, Body
from shared.errors import Missing
from shared.http import Here, Route, Who, Why, reading
from shared.message import Instant


class Quoted(Asked):
    """A basket to be quoted, as of now or of another instant; `basket_id` is that of a checkout which has locks."""

    at: Instant | None = None
    basket_id: UUID | None = None


class Committed(Asked):
    """A basket that is paid; `expected_minor` is the total that was quoted, where it must still be that."""

    expected_minor: Annotated[int, Field(strict=True, ge=0, le=LARGEST)] | None = None


class Undoing(Body):
    """A code for why the sale is void."""

    reason: Reason


async def quote(body: Quoted, at: Here, caller: Who) -> dict[str, Any]:
    """Return what the basket costs, what each step took off, will earn, and what does not fit; writes nothing."""
    asked = Asked.model_validate(body.model_dump(exclude={"at", "basket_id"}))
    async with reading(at, caller) as tx:
        known = await standing(tx, at.handler, asked, body.at or await clock(tx))
    priced = price(asked, known, body.basket_id)
    return {
        "at": known.at,
        "currency": asked.currency,
        "is_member": known.is_member,
        "tier": known.tier,
        "policy_version": known.policy_version,
        **priced.model_dump(mode="json"),
    }


async def commit(basket_id: Chosen, body: Committed, at: Here, cause: Why) -> dict[str, Any]:
    """Fix what the basket costs; the same body gets the same result for ever, another 409 `basket-differs`."""
    asked = Asked.model_validate(body.model_dump(exclude={"expected_minor"}))
    return _result(await committed(at, basket_id, asked, body.expected_minor, cause))


async def roll_back(basket_id: UUID, body: Undoing, at: Here, cause: Why) -> dict[str, Any]:
    """Undo a basket: its coupon is active again, its points are back."""
    return _shown(await rolled_back(at, basket_id, body.reason, cause))


async def basket(basket_id: UUID, at: Here, caller: Who) -> dict[str, Any]:
    """Return a basket as it was committed, and whether it was undone."""
    async with reading(at, caller) as tx:
        _, found = await at.handler.state(tx, "basket", basket_id)
    if found.committed is None:
        raise Missing("basket-unknown", basket_id=str(basket_id))
    return _shown(found)


def _shown(found: Basket) -> dict[str, Any]:
    assert found.committed
    undone = found.rolled_back
    return {**_result(found.committed), "rolled_back": {"at": undone.at, "reason": undone.reason} if undone else None}


def _result(told: BasketCommitted) -> dict[str, Any]:
    return {
        "basket_id": told.basket_id,
        "at": told.at,
        "currency": told.asked.currency,
        "policy_version": told.policy_version,
        **told.priced.model_dump(mode="json"),
    }


_ONE = "/v1/baskets/{basket_id}"

ROUTES = (
    Route("POST", "/v1/baskets/quote", quote, PEOPLE),
    Route("GET", _ONE, basket, PEOPLE),
    Route("POST", _ONE + "/commit", commit, PEOPLE),
    Route("POST", _ONE + "/roll-back", roll_back, PEOPLE),
)
