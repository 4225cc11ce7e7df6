"""What tills have sent before comes again: by the thousand, in any order, by several at once, over HTTP and Kafka."""

import asyncio
from pathlib import Path
from random import Random

from branchline.door import MOST_ITEMS, Door
from branchline.simulation.journal import ACCEPTED, DUPLICATE, Entry, read_answers, read_entries
from tests.faults.fault import Fault
from tests.faults.provoking import sent_by_kafka
from tests.faults.rig import Rig

TILLS, COPIES, AT_ONCE = 4, 3, 500
REPEATED = frozenset({DUPLICATE, ACCEPTED})


async def repeated(rig: Rig, chance: Random) -> None:
    """Send what some tills have had answered, several times over, shuffled and at once; each is a repeat."""
    while sum(bool(_accepted(path)) for path in rig.tills.journals.glob("*.items")) < TILLS:
        await asyncio.sleep(1.0)  # a new cell: answers are on the disk when a session is over
        await rig.tills.close()
        await rig.tills.sell()
    branches = {till: branch.code for branch in rig.tills.chain.branches for till in branch.till_codes()}
    paths = chance.sample(sorted(rig.tills.journals.glob("*.items")), TILLS)
    await asyncio.gather(
        *(_again(rig, branches[path.stem], path, Random(chance.random())) for path in paths for _ in range(COPIES)),
        sent_by_kafka(rig, chance),
    )


async def _again(rig: Rig, branch: str, path: Path, chance: Random) -> None:
    entries = _accepted(path)
    batch = chance.sample(entries, min(len(entries), AT_ONCE))
    door = Door(rig.office, branch, path.stem)
    for start in range(0, len(batch), MOST_ITEMS):
        answers = await door.send([entry.item for entry in batch[start : start + MOST_ITEMS]])
        wrong = [str(answer) for answer in answers if answer.outcome not in REPEATED]
        assert not wrong, f"{path.stem}: what was accepted before is {wrong[:5]} now"


def _accepted(path: Path) -> list[Entry]:
    """Return the till's entries that have been answered as they must."""
    entries = [written.entry for written in read_entries(path)]
    answered = {place for place, outcome in read_answers(path.with_suffix(".answers")) if outcome == ACCEPTED}
    return [entries[place] for place in sorted(answered) if entries[place].must == ACCEPTED]


FAULTS = (Fault("what was answered comes again by the thousand, in any order", repeated, heals_every=4),)
