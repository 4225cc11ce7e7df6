"""The report says what was measured, losing rows too, and nothing that was not."""

from pathlib import Path

import yaml

from tests.benchmarks import kept, report
from tests.benchmarks.contest import Lap, Played
from tests.benchmarks.goal import Goal
from tests.benchmarks.plots import panels
from tests.benchmarks.rows import ROWS


def lap(rate: float) -> Lap:
    """Return a turn of one second."""
    return Lap(int(rate), 1.0, cpu={"us": 0.5, "postgres": 0.25}, expected=(1,), found=(1,))


def contest() -> Played:
    """Return a contest that ours has lost, with a peer whose sums were wrong and one that is not here."""
    return Played(
        row="append",
        name="1x1",
        title="one writer",
        guarantees={"branchline": "all of them", "bare": "none", "odd": "some"},
        laps={"branchline": [lap(1_000), lap(900), lap(1_100)], "bare": [lap(4_000), lap(3_600), lap(4_400)]},
        without={"odd": "does not add up: (3,) where (4,) was expected", "away": "not fetched"},
        machine={"machine": "two cores", "at": "today", "load before": "0.1"},
    )


def told(*goals: Goal, reasons: dict[str, str] | None = None) -> str:
    """Return the report of that contest."""
    return "\n".join(report.lines([contest()], {"append": goals}, reasons or {}, {"append": "plots/append.svg"}))


def test_a_contest_is_told_with_spread_cost_guarantees_and_picture() -> None:
    text = told()
    assert "| branchline | 900 / 1,000 / 1,100 | 682 / 750 / 833 (us 500.0, postgres 250.0) |" in text
    assert "- branchline: all of them" in text
    assert "![append](plots/append.svg)" in text
    assert "| machine | two cores |" in text
    assert "- 3 turns each, today, load before 0.1" in text


def test_a_row_that_loses_stays() -> None:
    text = told(Goal("1x1", "branchline", "rate", ("bare",), least=0.85))
    assert "| append/1x1 | branchline: rate ≥ 0.85x bare | 0.25 / 0.25 / 0.25 | missed |" in text
    assert "| bare | 3,600 / 4,000 / 4,400 |" in text


def test_a_missed_goal_has_the_reason_that_is_written_down_or_says_that_there_is_none() -> None:
    goal = Goal("1x1", "branchline", "rate", ("bare",), least=0.85)
    assert "- append/1x1 rate beside bare: no reason is written down yet" in told(goal)
    assert "beside bare: it does more" in told(goal, reasons={goal.key("append"): "it does more"})


def test_goals_that_one_reason_explains_are_told_it_once() -> None:
    goals = [Goal("1x1", one, "rate", ("bare",), least=5) for one in ("branchline", "bare")]
    assert told(*goals).count("- append/1x1 rate beside bare:") == 1


def test_a_goal_that_is_met_asks_for_no_reason() -> None:
    text = told(Goal("1x1", "branchline", "rate", ("bare",), least=0.2))
    assert "| met |" in text
    assert "Why goals were missed" not in text


def test_a_contender_without_a_figure_is_named_with_the_reason_and_in_no_table() -> None:
    text = told(Goal("1x1", "branchline", "rate", ("away",), least=2))
    assert "- odd: no figure, does not add up: (3,) where (4,) was expected" in text
    assert "- away: no figure, not fetched" in text
    assert "| odd |" not in text
    assert "| branchline: rate ≥ 2x away |  | not measured |" in text


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    kept.write(contest(), tmp_path)
    assert kept.read(tmp_path) == [contest()]


def test_a_picture_has_only_bars_that_were_measured() -> None:
    (panel,) = panels([contest()])
    assert [bar["name"] for bar in panel["bars"]] == ["branchline", "bare"]


def test_every_row_has_goals_and_every_reason_a_goal() -> None:
    goals = report.goals()
    assert goals.keys() == ROWS.keys()
    assert all(goals.values())
    keys = {goal.key(row) for row, of in goals.items() for goal in of}
    assert (yaml.safe_load(report.REASONS.read_text()) or {}).keys() <= keys
