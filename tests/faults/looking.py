"""What a fault sees of the system while it strikes. Seconds."""

from tests.cell import eventually
from tests.faults.overheard import overheard
from tests.faults.rig import Rig

ANSWERED_WITHIN = 20.0

# the cursor passes over what is private, too
_TOLD = """
SELECT coalesce(max(f.number), 0) FROM feed f, relay_cursor r
WHERE r.relay = 'kafka' AND f.part IS NOT NULL AND f.number <= r.number
"""


async def a_till_is_answered(rig: Rig) -> None:
    """Wait until a till's sales are taken; raise TimeoutError where none are."""
    with overheard(rig) as heard:

        async def is_answered() -> bool:
            return any(answer.status == 200 for answer in heard)

        await eventually(is_answered, ANSWERED_WITHIN)


async def more_is_told(rig: Rig, service: str, within: float) -> None:
    """Wait until Kafka has more of what a service says than it has now; raise TimeoutError where it has not."""
    before = await rig.asked(service, _TOLD)

    async def is_more() -> bool:
        return bool(await rig.asked(service, _TOLD) > before)

    await eventually(is_more, within)
