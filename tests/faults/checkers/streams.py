"""Versions: every stream's events are numbered from one without a gap, and its row knows the last."""

from deploy.local.places import SERVICES
from tests.faults.checkers.evidence import Evidence, Findings

_WRONG = """
SELECT coalesce(e.stream_id, s.id) AS stream, e.events, e.first, e.last, e.versions, s.version
FROM (SELECT stream_id, count(*) AS events, count(DISTINCT version) AS versions, min(version) AS first,
             max(version) AS last FROM event GROUP BY stream_id) AS e
FULL JOIN stream s ON s.id = e.stream_id
WHERE NOT (e.events = e.versions AND e.first = 1 AND e.last = e.events AND s.version = e.last) IS TRUE
"""


async def check(evidence: Evidence) -> Findings:
    """Look at every stream of every service."""
    findings = Findings()
    for service in SERVICES:
        for row in await evidence.rows(service, _WRONG):
            told = ", ".join(f"{name} {value}" for name, value in row.items() if name != "stream")
            findings.lines.append(f"{service}: stream {row['stream']}: {told}")
            findings.doubled += max(0, (row["events"] or 0) - (row["versions"] or 0))
    return findings
