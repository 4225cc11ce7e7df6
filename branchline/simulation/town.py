"""Who comes to the salons: people with a home branch, known by phone or by card. Pure; a seed makes a town."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

AREA_CODES = (
    416, 647, 437, 905, 289, 613, 343, 514, 438, 450, 418, 902, 709, 506,
    204, 431, 306, 639, 403, 587, 780, 825, 604, 778, 236, 250, 672,
)  # fmt: skip
"""Canadian ones. 555-0100 to 555-0199 in each belong to nobody: they are kept for stories."""
PHONES = 100 * len(AREA_CODES)
BY_CARD = 0.3
FROM_ELSEWHERE = 0.2


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, always by the same phone or the same card; phones are written in one of several ways."""

    phone: str | None = None
    card: str | None = None

    def key(self, chance: Random) -> dict[str, str]:
        """Return how the till names the person this time."""
        if self.phone is None:
            return {"card": self.card or ""}
        if chance.random() < 0.8:
            return {"phone": self.phone}
        return {"phone": f"{self.phone[:2]} ({self.phone[2:5]}) {self.phone[5:8]}-{self.phone[8:]}"}


class Town:
    """All people, by the branch where each is at home; some of them go anywhere."""

    def __init__(self, seed: str, branches: Sequence[str], size: int) -> None:
        chance = Random(f"{seed}/town")
        numbers = list(range(PHONES))
        chance.shuffle(numbers)
        self._people: list[Person] = []
        self._at_home: dict[str, list[Person]] = defaultdict(list)
        for place in range(size):
            by_card = chance.random() < BY_CARD or not numbers
            person = Person(card=f"C{place:08d}") if by_card else Person(phone=_phone(numbers.pop()))
            self._people.append(person)
            self._at_home[chance.choice(branches)].append(person)

    def somebody(self, branch: str, chance: Random) -> Person:
        """Return who comes in at a branch: mostly its own people, and some of them much more often than others."""
        people = self._at_home[branch] if chance.random() >= FROM_ELSEWHERE else self._people
        people = people or self._people
        return people[int(len(people) * chance.random() ** 2)]


def _phone(number: int) -> str:
    area, line = divmod(number, 100)
    return f"+1{AREA_CODES[area]}55501{line:02d}"
