"""After Kafka has lost everything, everything is said again; listeners pass over what they know."""

from uuid import uuid4

import pytest

from branchline import retell
from branchline.command import main
from branchline.failure import CommandFailed
from shared.settings import Settings
from tests.shared.pair import at_work, eventually, pair
from tests.shared.topic import lose, records
from tests.shared.toy import NAME


async def test_what_kafka_has_lost_is_there_again_and_has_no_second_effect(settings: Settings) -> None:
    counters = [uuid4() for _ in range(20)]
    async with pair(settings) as two, at_work(two.consumer()):
        await two.say(*((counter, 1) for counter in counters))
        await two.until_heard([1] * 20)
        await lose(settings, two.topic)
        await retell.retell(settings, [NAME])

        async def are_told() -> bool:
            return len({record.key for record in await records(settings, two.topic)} - {None}) == 20

        await eventually(are_told)
        await two.say((counters[0], 2))
        await two.until_heard([*[1] * 20, 2])


async def test_a_service_that_does_not_run_is_to_be_started_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retell, "LED_WITHIN", 0.5)
    async with pair(settings, parts=("sequencer",)):
        with pytest.raises(CommandFailed, match=f"{NAME} does not run: start it"):
            await retell.retell(settings, [NAME])


def test_a_service_that_says_nothing_has_nothing_to_say_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retell", "projection"]) == 1
    assert "projection says nothing; who does: " in capsys.readouterr().err
