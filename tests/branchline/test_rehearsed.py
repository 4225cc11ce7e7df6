"""A rehearsal as it is read: pages add up, and the table and the plot say the same."""

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from branchline.rehearsed import Rehearsed, money, plot, table


def page(*places: tuple[str, str, str, int, int, int, int], gain: int = 0, lose: int = 0) -> dict[str, Any]:
    names = ("branch", "tier", "month", "receipts", "now", "then", "owed")
    told = [dict(zip(names, place, strict=True)) for place in places]
    most = [{"customer_id": f"c{gain}", "difference": gain}]
    return {"places": told, "customers": {"gain": gain, "lose": lose, "same": 0}, "most": most}


def told() -> Rehearsed:
    rehearsed = Rehearsed()
    march, april = ("TOR1", "", "2026-03", 2, 100, 150, 0), ("TOR1", "gold", "2026-04", 1, 50, 40, -10)
    rehearsed.add(page(march, april, gain=2, lose=1))
    rehearsed.add(page(("TOR1", "", "2026-03", 1, 10, 1_015, 1_005), gain=3))
    return rehearsed


def test_pages_add_up() -> None:
    rehearsed = told()
    assert (rehearsed.difference(), rehearsed.owed()) == (1_045, 995)
    assert rehearsed.by("month") == {
        ("2026-03",): {"receipts": 3, "now": 110, "then": 1_165, "owed": 1_005},
        ("2026-04",): {"receipts": 1, "now": 50, "then": 40, "owed": -10},
    }
    assert rehearsed.customers == {"gain": 5, "lose": 1, "same": 0}
    assert [one["customer_id"] for one in rehearsed.most] == ["c3", "c2"]


def test_points_are_owed_as_money() -> None:
    assert money(1_045, 1) == 1_045
    assert money(-3, 5) == -15


def test_the_table_has_a_line_for_each_place_and_what_it_comes_to() -> None:
    assert list(table(told(), 1, "CAD")) == [
        "branch  tier  month    receipts  now  draft  difference",
        "TOR1    -     2026-03         3  110  1,165      +1,055",
        "TOR1    gold  2026-04         1   50     40         -10",
        "+1,045 points, of which +995 are still good: 9.95 CAD of liability",
        "5 gain, 1 lose, 0 same",
        "customer c3: +3",
        "customer c2: +2",
    ]


def test_the_plot_has_a_bar_for_each_month() -> None:
    svg = ElementTree.fromstring(plot(told()))
    bars = svg.findall("{http://www.w3.org/2000/svg}rect")
    titles = [bar.findtext("{http://www.w3.org/2000/svg}title") for bar in bars]
    assert titles == ["2026-03: +1,055", "2026-04: -10"]
    assert ElementTree.fromstring(plot(Rehearsed())).tag.endswith("svg")


def test_the_words_of_five_years_do_not_stand_upon_each_other() -> None:
    rehearsed = Rehearsed()
    months = [f"{year}-{month:02d}" for year in range(2021, 2026) for month in range(1, 13)]
    rehearsed.add(page(*(("TOR1", "", month, 1, 0, 7, 7) for month in months)))
    svg = ElementTree.fromstring(plot(rehearsed))
    assert len(svg.findall("{http://www.w3.org/2000/svg}rect")) == 60
    words = [one for one in svg.findall("{http://www.w3.org/2000/svg}text") if one.text in months]
    places = [float(one.attrib["x"]) for one in words]
    assert min(after - before for before, after in pairwise(places)) >= 50
