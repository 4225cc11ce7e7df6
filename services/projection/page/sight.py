"""What a reader of the page has asked to see, and may: a branch or all, a day or today, in a language. Pure."""

from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from shared.scope import ALL


@dataclass(frozen=True)
class Sight:
    """`scope` is a branch's code, or ALL; `on` None is the day it is now in each branch."""

    scope: str
    on: date | None
    language: str
    sees_chain: bool

    @property
    def branch(self) -> str | None:
        """Return the one branch in sight."""
        return None if self.scope == ALL else self.scope

    def query(self, *, language: str | None = None) -> str:
        """Return the sight as an address's query; a reader without the chain has no branch to choose."""
        asked = {"on": self.on.isoformat() if self.on else "", "branch": (self.branch or "") if self.sees_chain else ""}
        chosen = {name: value for name, value in asked.items() if value} | ({"lang": language} if language else {})
        return "?" + urlencode(chosen) if chosen else "?"

    def address(self, language: str) -> str:
        """Return the address of the same sight in another language."""
        return "/" + self.query(language=language)

    def turned(self, on: date | None) -> "Sight":
        """Return the same sight of another day."""
        return replace(self, on=on)
