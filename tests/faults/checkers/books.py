"""Books: what the services answer over HTTP is what an oracle makes of the tills' journals alone."""

from branchline.simulation.verdict import judge
from tests.faults.checkers.evidence import Evidence, Findings


async def check(evidence: Evidence) -> Findings:
    """Let the simulation judge."""
    rig = evidence.rig
    return Findings((await judge(rig.office, rig.tills.chain, rig.tills.journals)).differences)
