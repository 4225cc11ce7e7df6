"""The events, lots and receipts that a figure is made of: they add up to it, whenever one looks from."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from services.loyalty_points.domain.hindsight import FIGURES, Hindsight
from services.loyalty_points.domain.known import Known, known_by
from services.loyalty_points.explaining import explained
from services.loyalty_points.lifetime import Never
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.acts import Tale, tales
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.chronicle import chronicle, known
from tests.services.loyalty_points.spending import DAY, MEI, MONDAY, hold, redeem, told, with_points
from tests.services.stories import joining, refund, sale


def adds_up(tale: Tale) -> None:
    """Hold when the parts of each figure add up to what the account answered at that time."""
    told = chronicle(tale)
    for then, answer in told.answered.items():
        for figure in FIGURES:
            why = explained(known_by(told.told, then), figure, then)
            answered = answer[figure]["points"] if figure == "next_expiry" and answer[figure] else answer[figure] or 0
            assert sum(part["points"] for part in why["parts"]) == answered == why["points"]
            assert all(part["event"]["id"] or part["event"]["name"] == "HoldReleased" for part in why["parts"])


def tale_of(examples: int) -> Callable[[], None]:
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(tales())
    def told(tale: Tale) -> None:
        adds_up(tale)

    return told


def test_the_parts_of_every_figure_add_up_to_it() -> None:
    tale_of(200)()


def test_a_part_that_is_left_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Hindsight.parts
    monkeypatch.setattr(Hindsight, "parts", lambda *asked: [part for part in right(*asked) if part.points > 0])
    with pytest.raises(AssertionError):
        tale_of(1000)()


def parts(told: list[Known], figure: str, books: Books) -> list[dict[str, Any]]:
    some: list[dict[str, Any]] = explained(told, figure, books.now)["parts"]
    return some


def test_what_is_available_names_the_receipts_and_policies_of_its_lots_and_what_was_drawn_on_them() -> None:
    books = Books(now=MONDAY + DAY, terms=Terms(expiry=Never()))
    cut = sale("1003", (MEI, 3_000), at=MONDAY, till="TOR1-2")
    books.hear([cut, joining(cut, MEI), refund(cut, (1, 500, 2_500), at=books.now)])
    told(books, redeem(books, 7))
    made = parts(known(books.entries[MEI], books), "available", books)
    assert [(part["points"], part["event"]["name"]) for part in made] == [
        (30, "PointsEarned"),
        (-5, "PointsTakenBack"),
        (-7, "PointsRedeemed"),
    ]
    paper = {"sale_id": cut.sale_id, "branch": "TOR1", "till": "TOR1-2", "number": "1003"}
    assert {str(part["lot"]["receipt"]) for part in made} == {str(paper)}
    assert [part["event"]["receipt"] for part in made] == [paper, paper, None]
    assert {part["lot"]["policy_version"] for part in made} == {0}


def test_a_lot_of_which_nothing_is_left_is_no_part_of_what_is_available() -> None:
    books = with_points(Terms(expiry=Never()))
    told(books, redeem(books, 10))
    told(books, hold(books, 4, hold_id=MEI))
    entries = known(books.entries[MEI], books)
    assert [part["points"] for part in parts(entries, "available", books)] == [10, 10, -4]
    assert [(part["points"], part["hold_id"]) for part in parts(entries, "reserved", books)] == [(4, MEI)]
    assert [part["points"] for part in parts(entries, "redeemed", books)] == [10]
