"""Who is refused is told why: the facts beside the code, as the desk reads them out."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

import pytest

from contracts.money import LARGEST
from services.loyalty_points.domain import AccountCommand
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.spending import (
    BASKET,
    DAY,
    MEI,
    MONDAY,
    OTHER,
    capture,
    forgive,
    hold,
    redeem,
    refused,
    release,
    with_points,
)
from tests.services.loyalty_points.test_acts import SURVEYS, order
from tests.services.loyalty_points.test_forgiving import ASKED, approve, owing
from tests.services.loyalty_points.test_forgiving import forgive as let_go
from tests.services.loyalty_points.test_offline import allow, spend
from tests.services.loyalty_points.test_rewards import put_by, reverse, shop, take

Asking = Callable[[Books], AccountCommand]


def after(books: Books, *commands: Asking) -> Books:
    for command in commands:
        books.handle(command(books))
    return books


def held(points: int = 20) -> Books:
    return after(with_points(), lambda books: hold(books, points))


def of_a_till() -> Books:
    return after(with_points(), lambda books: allow(books, 20))


THURSDAY = MONDAY + 3 * DAY
TILL: dict[str, Any] = {"branch": "TOR1", "till": "TOR1-1"}
SPENT_AT_A_TILL: UUID = spend(with_points(), 1).spending_id

WHY: dict[str, tuple[Callable[[], Books], Asking, str, dict[str, Any]]] = {
    "no points": (with_points, lambda b: redeem(b, 0), "points-invalid", {"asked": 0}),
    "too many points": (with_points, lambda b: hold(b, LARGEST + 1), "points-invalid", {"asked": LARGEST + 1}),
    "held until now": (
        with_points,
        lambda b: hold(b, 1, lasts=0 * DAY),
        "hold-over",
        {"until": "2026-03-05T15:00:00+00:00"},
    ),
    "another hold by its name": (held, lambda b: hold(b, 21), "hold-differs", {"hold_id": BASKET}),
    "a redemption by a hold's name": (held, lambda b: redeem(b, 20), "redemption-differs", {"redemption_id": BASKET}),
    "a hold that never was": (with_points, lambda b: capture(b, 1), "hold-unknown", {"hold_id": BASKET}),
    "a release of what never was": (with_points, lambda b: release(b, OTHER), "hold-unknown", {"hold_id": OTHER}),
    "a till's allowance at the desk": (of_a_till, release, "hold-of-a-till", TILL),
    "an allowance by its name": (of_a_till, lambda b: allow(b, 19), "hold-differs", {"hold_id": BASKET}),
    "less than a reward costs": (
        lambda: after(shop(), put_by),
        lambda b: capture(b, 9),
        "less-than-the-price",
        {"price": 10, "asked": 9},
    ),
    "another reward by its name": (
        lambda: after(shop(), lambda b: redeem(b, 10)),
        take,
        "redemption-differs",
        {"redemption_id": BASKET},
    ),
    "a reward held by its name": (lambda: after(shop(), take), put_by, "hold-differs", {"hold_id": BASKET}),
    "what was never redeemed": (with_points, reverse, "redemption-unknown", {"redemption_id": BASKET}),
    "what was only held": (held, reverse, "redemption-unknown", {"redemption_id": BASKET}),
    "what a till let her spend": (
        lambda: after(with_points(), lambda b: spend(b, 8)),
        lambda b: reverse(b, SPENT_AT_A_TILL),
        "spent-at-a-till",
        {"till": "TOR1-1"},
    ),
    "another branch": (lambda: shop(branches=("TOR2",)), take, "reward-not-here", {"branch": "TOR1"}),
    "another tier": (
        lambda: shop(tiers=("gold", "silver")),
        take,
        "reward-not-for-tier",
        {"tier": None, "tiers": ["gold", "silver"]},
    ),
    "a reward to come": (
        lambda: shop(from_at=THURSDAY + DAY),
        take,
        "reward-not-yet",
        {"from_at": "2026-03-06T15:00:00+00:00"},
    ),
    "a reward of the past": (
        lambda: shop(until_at=THURSDAY),
        take,
        "reward-over",
        {"until_at": "2026-03-05T15:00:00+00:00"},
    ),
    "one too many": (
        lambda: after(shop(most_each=1), take),
        lambda b: take(b, OTHER),
        "reward-limit-reached",
        {"most": 1},
    ),
    "one too many these days": (
        lambda: after(shop(most_in_period=1, period_days=7), take),
        lambda b: take(b, OTHER),
        "reward-limit-of-period-reached",
        {"most": 1, "days": 7},
    ),
    "more than is owed": (lambda: owing(80), lambda b: forgive(b, 81), "more-than-owed", {"debt": 80, "asked": 81}),
    "another debt by its name": (
        lambda: after(owing(80), lambda b: let_go(b, 30)),
        lambda b: let_go(b, 31),
        "forgiveness-differs",
        {"forgiveness_id": ASKED},
    ),
    "what was let go by two": (
        lambda: after(owing(80), lambda b: let_go(b, 80)),
        lambda b: approve(b, "anna"),
        "second-person-is-the-first",
        {},
    ),
    "an act too often": (
        Books,
        lambda b: order(terms=SURVEYS, had=2),
        "award-limit-reached",
        {"act": "survey", "times": 2, "per": "month"},
    ),
    "an act of no policy": (Books, lambda b: order("applause"), "act-unknown", {"act": "applause"}),
}


@pytest.mark.parametrize("what", WHY)
def test_a_refusal_tells_what_explains_it(what: str) -> None:
    story, command, code, facts = WHY[what]
    books = story()
    assert refused(books, command(books), code).facts == facts


def test_a_customer_of_gold_is_told_that_a_reward_is_for_silver() -> None:
    books = shop(tiers=("silver",))
    books.shelf.tiers[MEI] = "gold"
    facts = refused(books, take(books, uuid5(MEI, "scarf")), "reward-not-for-tier").facts
    assert facts == {"tier": "gold", "tiers": ["silver"]}
