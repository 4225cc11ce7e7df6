"""Feeds: every committed event has one number, without a gap, a stream's in its order; each names the one before it."""

from deploy.local.places import SERVICES
from tests.faults.checkers.evidence import Evidence, Findings

_UNNUMBERED = "SELECT e.seq, e.type FROM event e WHERE NOT EXISTS (SELECT FROM feed f WHERE f.seq = e.seq)"
_GAPS = """
SELECT number, lag(number, 1, 0::bigint) OVER (ORDER BY number) AS before FROM feed
"""
_GAP = "SELECT before, number FROM (" + _GAPS + ") AS f WHERE number <> before + 1"
_CHAIN = """
SELECT part, number, prev_epoch, prev_number, before_epoch, before FROM (
  SELECT part, number, prev_epoch, prev_number, lag(number, 1, 0::bigint) OVER own AS before,
         lag(epoch, 1, 0::bigint) OVER own AS before_epoch
  FROM feed WHERE part IS NOT NULL WINDOW own AS (PARTITION BY part ORDER BY number)
) AS f WHERE (prev_epoch, prev_number) IS DISTINCT FROM (before_epoch, before)
"""
# a stream that has a version twice has no order, which is the checker of streams' to tell
_ORDER = """
SELECT stream_id, version, number FROM (
  SELECT e.stream_id, e.version, f.number, lag(e.version) OVER (PARTITION BY e.stream_id ORDER BY f.number) AS before
  FROM feed f JOIN event e USING (seq)
) AS f WHERE version < before
AND NOT EXISTS (SELECT FROM event t WHERE t.stream_id = f.stream_id GROUP BY t.version HAVING count(*) > 1)
"""
_HEAD = """
SELECT h.number, (SELECT max(number) FROM feed) AS last FROM feed_head h
WHERE h.number IS DISTINCT FROM coalesce((SELECT max(number) FROM feed), 0)
"""


async def check(evidence: Evidence) -> Findings:
    """Look at the feed of every service."""
    findings = Findings()
    for service in SERVICES:
        unnumbered = await evidence.rows(service, _UNNUMBERED)
        findings.lost += len(unnumbered)
        findings.lines += [f"{service}: event {row['seq']} ({row['type']}) has no number" for row in unnumbered]
        for row in await evidence.rows(service, _GAP):
            findings.lines.append(f"{service}: the feed goes from {row['before']} to {row['number']}")
        for row in await evidence.rows(service, _ORDER):
            findings.lines.append(f"{service}: {row['number']} is {row['stream_id']}/{row['version']}, too late")
        for row in await evidence.rows(service, _CHAIN):
            named = (row["prev_epoch"], row["prev_number"])
            findings.lines.append(f"{service}: {row['number']} in partition {row['part']} names {named} before it")
        for row in await evidence.rows(service, _HEAD):
            findings.lines.append(f"{service}: the head is {row['number']}, the last number {row['last']}")
    return findings
