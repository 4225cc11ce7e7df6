"""What a basket will earn by branch, kind and hour; and baskets that are none."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.loyalty_points.basket.pricing import price
from tests.services.loyalty_points.basket.stories import asked, line, standing

NIGHT = {"name": "night", "factor": "2", "weekdays": ["sunday"], "to_time": "01:01", "branches": ["SHA1"]}


def earns(earning: dict[str, Any], **more: Any) -> int:
    """Return what 100.00 yuan of services and 40.00 of products will earn her on a Sunday at one in the morning."""
    basket = asked(line(1, 10_000), line(2, 4_000, "WAX", kind="product"), **more)
    listed = {"tier_prices": [{"tier": "gold", "payable": "1"}]}
    return price(basket, standing("gold", {"earning": earning, "basket": listed})).earns


def test_a_basket_earns_by_the_rates_of_its_branch_and_kinds() -> None:
    assert earns({}) == 140
    assert earns({"rates": [{"branches": ["SHA1"], "points_per_unit": "3"}]}) == 420
    assert earns({"rates": [{"branches": ["TOR1"], "points_per_unit": "3"}]}) == 140
    assert earns({"rates": [{"kinds": ["product"], "points_per_unit": "3"}]}) == 220
    assert earns({"excluded": {"kinds": ["service"]}}) == 40
    assert earns({"excluded": {"negative": True}}) == 140
    assert earns({"rates": [{"codes": ["WAX"], "points_per_unit": "0.5"}]}) == 120


def test_a_basket_earns_by_the_bonuses_of_its_hour_and_day_by_the_branchs_clock() -> None:
    assert earns({"bonuses": [NIGHT]}) == 280
    assert earns({"bonuses": [NIGHT]}, zone="America/Toronto") == 140  # it is noon on Saturday there
    assert earns({"bonuses": [NIGHT | {"to_time": "01:00"}]}) == 140


@pytest.mark.parametrize("zone", ["Asia/Atlantis", "../etc/passwd", "."])
def test_a_zone_that_there_is_not_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match=r"Value error, not an IANA time zone \["):
        asked(line(1, 100), zone=zone)


def test_two_lines_of_one_number_are_refused() -> None:
    with pytest.raises(ValidationError, match="lines have numbers of their own"):
        asked(line(1, 100), line(1, 200))
