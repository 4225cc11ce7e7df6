"""The vault's part in the intake: who somebody is, and the keeping of what was set aside. Asks membership over HTTP."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from contracts.membership import (
    LARGEST_CALL,
    ByCard,
    ByClient,
    ByPhone,
    Keep,
    Kept,
    KeptText,
    PersonKey,
    Resolution,
    Resolve,
    Resolved,
)
from services.pos.intake.items import Item
from services.pos.intake.said import Person, people_of
from shared.errors import Unavailable
from shared.http import Problem
from shared.peer import PeerRefused, Peers

LONGEST_TEXT = 16_384  # characters: one of them may be twelve bytes in JSON
TEXTS_AT_ONCE = 32

PersonName = tuple[str, str, str]  # the branch where the name means somebody only there; its kind; the name
ItemName = tuple[str, int | None, bytes]
People = Mapping[PersonName, Resolution]


def name_of(item: Item) -> ItemName:
    """Return what an item is kept under."""
    return item.till, item.seq, item.hash


def name_at(branch: str, person: Person) -> PersonName:
    """Return what a person is found by who is named at a branch."""
    kind, name = person.key
    return branch if kind == "client" else "", kind, name


async def resolve(peers: Peers, asked: Iterable[tuple[str, Item]]) -> People:
    """Return who the people are whom items name, each at its branch; who is not known becomes a customer."""
    names = list(dict.fromkeys(name_at(branch, p) for branch, item in asked if item.said for p in people_of(item.said)))
    found: dict[PersonName, Resolution] = {}
    for start in range(0, len(names), LARGEST_CALL):
        some = names[start : start + LARGEST_CALL]
        call = Resolve(people=tuple(_key(name) for name in some))
        answer = Resolved.model_validate_json(await _ask(peers, "/v1/vault/resolve", call))
        found |= zip(some, answer.people, strict=True)
    return found


async def keep(peers: Peers, items: Sequence[Item]) -> dict[ItemName, list[UUID]]:
    """Return the vault's references for the items' texts, several for a long one; for the same item the same ones."""
    parts = [(item, n, part) for item in items for n, part in enumerate(_parts(item.text))]
    kept: dict[ItemName, list[UUID]] = {name_of(item): [] for item in items}
    for start in range(0, len(parts), TEXTS_AT_ONCE):
        some = parts[start : start + TEXTS_AT_ONCE]
        asked = Keep(texts=tuple(KeptText(key=_kept_under(item, n), text=part) for item, n, part in some))
        answer = Kept.model_validate_json(await _ask(peers, "/v1/vault/keep", asked))
        for (item, _, _), reference in zip(some, answer.references, strict=True):
            kept[name_of(item)].append(reference)
    return kept


def _key(name: PersonName) -> PersonKey:
    match name:
        case _, "phone", phone:
            return ByPhone(phone=phone)
        case _, "card", card:
            return ByCard(card=card)
        case branch, _, client:
            return ByClient(system=branch, client=client)


def _kept_under(item: Item, part: int) -> str:
    return f"{item.till}/{item.seq or '-'}/{item.hash.hex()}/{part}"


def _parts(text: str) -> list[str]:
    return [text[start : start + LONGEST_TEXT] for start in range(0, max(1, len(text)), LONGEST_TEXT)]


async def _ask(peers: Peers, path: str, asked: Resolve | Keep) -> bytes:
    try:
        return await peers.call("membership", "POST", path, asked)
    except (Unavailable, PeerRefused) as down:
        raise Problem(503, "vault-unavailable") from down
