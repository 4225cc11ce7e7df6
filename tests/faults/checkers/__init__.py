"""What must be true whatever has been broken: one noun a module, each looking at one layer and trusting those below."""

from tests.faults.checkers import (
    acknowledged,
    books,
    effects,
    feed,
    ledgers,
    messages,
    quiet,
    states,
    streams,
    topics,
    views,
)
from tests.faults.checkers.evidence import Evidence, Findings

__all__ = ["CHECKERS", "Evidence", "Findings", "look"]

LAYERS = {
    "acknowledged": acknowledged.check,
    "streams": streams.check,
    "states": states.check,
    "feed": feed.check,
    "topics": topics.check,
    "effects": effects.check,
    "ledgers": ledgers.check,
    "messages": messages.check,
    "views": views.check,
    "quiet": quiet.check,
}
CHECKERS = (*LAYERS, "books")


async def look(evidence: Evidence) -> dict[str, Findings]:
    """Return what each checker finds. The books follow from all else: they are only compared when that is right."""
    found = {name: await check(evidence) for name, check in LAYERS.items()}
    if not any(findings.lines for findings in found.values()):
        found["books"] = await books.check(evidence)
    return found
