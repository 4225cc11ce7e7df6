"""Contests are fair, and only turns that add up give figures."""

from collections.abc import Awaitable, Callable, Iterator, Sequence

import pytest

from tests.benchmarks.contest import Contender, Contest, Lap, Played, Sums, play
from tests.benchmarks.goal import Goal


def contender(name: str, seconds: Sequence[float], said: list[str] | None = None, found: Sums = (100,)) -> Contender:
    """Return one whose turns take these seconds, for 100 events each."""
    times: Iterator[float] = iter(seconds)

    async def lap() -> Lap:
        if said is not None:
            said.append(name)
        return Lap(100, next(times), cpu={"us": 0.001, "generator": 5.0}, expected=(100,), found=found)

    return Contender(name, "none", lap)


async def played(*contenders: Contender, laps: int = 3, warm: int = 0) -> Played:
    """Return what comes of a contest of these."""
    return await play(Contest("row", "contest", "a contest", contenders, laps=laps, warm=warm))


def failing(text: str) -> Callable[[], Awaitable[Lap]]:
    """Return a turn that fails."""

    async def lap() -> Lap:
        raise RuntimeError(text)

    return lap


async def test_contenders_take_turns_and_every_other_round_goes_backwards() -> None:
    said: list[str] = []
    await played(contender("a", [1] * 4, said), contender("b", [1] * 4, said), laps=3, warm=1)
    assert said == ["a", "b", "b", "a", "a", "b", "b", "a"]


async def test_a_turn_that_warms_up_is_not_counted() -> None:
    found = await played(contender("a", [100, 1, 2]), laps=2, warm=1)
    rate = found.figure("a", "rate")
    assert rate
    assert (rate.least, rate.most) == (50, 100)


@pytest.mark.parametrize("found", [(99,), (101,), ()])
async def test_a_contender_whose_sum_is_wrong_has_no_figure(found: Sums) -> None:
    told = await played(contender("right", [1, 1, 1]), contender("wrong", [0.1, 0.1, 0.1], found=found))
    assert told.figure("wrong", "rate") is None
    assert told.ratio("wrong", "right", "rate") is None
    assert told.without == {"wrong": f"does not add up: {found} where (100,) was expected"}
    assert told.figure("right", "rate")


async def test_one_wrong_turn_takes_the_figures_of_the_right_ones_too() -> None:
    founds = iter([(100,), (99,), (100,)])

    async def lap() -> Lap:
        return Lap(100, 1, expected=(100,), found=next(founds))

    assert (await played(Contender("a", "none", lap))).figure("a", "rate") is None


async def test_a_turn_that_checks_nothing_gives_no_figure() -> None:
    async def lap() -> Lap:
        return Lap(100, 1)

    assert "a" in (await played(Contender("a", "none", lap))).without


async def test_a_contender_that_fails_is_out_and_the_reason_is_told() -> None:
    told = await played(Contender("a", "none", failing("no disk")), contender("b", [1, 1, 1]))
    assert told.without == {"a": "failed: RuntimeError: no disk"}
    assert told.figure("b", "rate")


async def test_a_ratio_is_made_of_turns_that_stood_side_by_side() -> None:
    # the machine was ten times slower in the second round: for both
    told = await played(contender("a", [1, 10, 1]), contender("b", [2, 20, 2]))
    ratio = told.ratio("a", "b", "rate")
    assert ratio
    assert (ratio.least, ratio.median, ratio.most) == (2, 2, 2)


async def test_the_generators_time_is_nobodys_cost() -> None:
    told = await played(contender("a", [1, 1, 1]))
    cost, of_generator = told.figure("a", "cpu"), told.figure("a", "cpu:generator")
    assert cost
    assert of_generator
    assert (cost.median, of_generator.median) == (10, 50_000)


async def test_a_goal_over_several_is_held_against_the_best_of_them() -> None:
    told = await played(contender("a", [1, 1, 1]), contender("slow", [4, 4, 4]), contender("fast", [1.25, 1.25, 1.25]))
    goal = Goal("contest", "a", "rate", ("slow", "fast"), least=2)
    reached = goal.reached(told)
    assert reached
    assert reached.median == 1.25
    assert not goal.is_met(reached)
    assert Goal("contest", "a", "rate", ("slow",), least=2).is_met(reached) is False


async def test_a_goal_beside_somebody_without_a_figure_is_not_reached() -> None:
    told = await played(contender("a", [1, 1, 1]), Contender("b", "none", failing("gone")))
    assert Goal("contest", "a", "rate", ("b",), least=1).reached(told) is None
