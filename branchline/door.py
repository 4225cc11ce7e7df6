"""The till's side of the tills' service: items out, an answer for each back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from branchline.office import As, Office

MOST_ITEMS = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an item: accepted, duplicate, or parked with a code."""

    seq: int | None
    outcome: str
    code: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "/".join(part for part in (self.outcome, self.code) if part)


@dataclass(frozen=True, slots=True)
class Door:
    """One till's way in. One batch of a till is under way at a time; different tills need not wait for each other."""

    office: Office
    branch: str
    till: str

    async def send(self, items: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Return the answers in the order of the items, trying as long as it takes; raises like `Office.ask`."""
        who = As("till", self.branch, self.till)
        told = await self.office.ask("pos", "POST", f"/v1/tills/{self.till}/events", {"items": items}, who=who)
        answers = [Answer(a["seq"], a["outcome"], a.get("code"), a.get("facts") or {}) for a in told["items"]]
        if len(answers) != len(items):
            raise ValueError(f"{len(items)} items were sent, {len(answers)} answered")
        return answers
