"""The oracle's truth beside what the services say: a line for each difference. Pure; money is minor units."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from branchline.simulation.books import Books, Standing, TillSeen
from branchline.simulation.journal import ACCEPTED, DUPLICATE
from branchline.simulation.oracle import Figures, Person, Ref, Truth
from contracts.pos import sale_id

FIGURES = ("receipts", "lines", "gross_minor", "refunded_minor")


def differences(truth: Truth, books: Books, tills: Mapping[str, TillSeen]) -> list[str]:
    """Return what differs; `tills` is where each till must stand. Nothing is the same as zero."""
    return [*_days(truth, books), *_people(truth, books), *_tills(tills, books)]


def _days(truth: Truth, books: Books) -> Iterator[str]:
    for branch, day in sorted(truth.days.keys() | books.days.keys()):
        wanted = truth.days.get((branch, day), Figures())
        seen = books.days.get((branch, day), Figures())
        for name in FIGURES:
            if getattr(wanted, name) != getattr(seen, name):
                yield f"{branch} on {day}: {name} is {getattr(seen, name)}, not {getattr(wanted, name)}"


def _people(truth: Truth, books: Books) -> Iterator[str]:
    for name, person in sorted(truth.people.items()):
        seen = books.people.get(name, Standing())
        yield from (f"{name}: {difference}" for difference in _person(person, seen))


def _person(person: Person, seen: Standing) -> Iterator[str]:
    joined = _id(person.joined) if person.joined else None
    if seen.joined != joined or _utc(seen.joined_at) != _utc(person.joined_at):
        yield f"joined by {seen.joined} at {seen.joined_at}, not by {joined} ({person.joined}) at {person.joined_at}"
    if person.tier not in (None, seen.tier):
        yield f"tier is {seen.tier}, not {person.tier}"
    points = {_id(ref): earned for ref, earned in person.points.items() if earned}
    for sale in sorted(points.keys() | seen.points.keys()):
        if points.get(sale) != seen.points.get(sale):
            yield f"receipt {sale} earns {seen.points.get(sale, 0)} points, not {points.get(sale, 0)}"
    for what, is_now, wanted in (
        ("balance", seen.balance - seen.debt, person.balance),
        ("balance on headquarters' view", seen.shown_balance, max(0, seen.balance)),
        ("spend on headquarters' view", seen.shown_spend_minor, person.spend_minor),
    ):
        if is_now != wanted:
            yield f"{what} is {is_now}, not {wanted}"


def _tills(tills: Mapping[str, TillSeen], books: Books) -> Iterator[str]:
    for till, wanted in sorted(tills.items()):
        seen = books.tills.get(till)
        if seen != wanted:
            yield f"till {till}: stands at {seen}, not at {wanted}"


def wrong_answers(till: str, musts: Mapping[int, str], answers: Iterable[tuple[int, str]]) -> list[str]:
    """Return the answers of the door that should have been others: by place in the till's journal, oldest first."""
    wrong = []
    accepted: set[int] = set()
    answered: set[int] = set()
    for place, outcome in answers:
        if outcome not in _allowed(musts[place], place in accepted):
            again = " again" if place in answered else ""
            wrong.append(f"till {till}, entry {place}: answered{again} {outcome}, must be {musts[place]}")
        answered.add(place)
        if outcome == ACCEPTED:
            accepted.add(place)
    return wrong + [f"till {till}, entry {place}: never answered" for place in sorted(musts.keys() - answered)]


def _allowed(must: str, has_been_accepted: bool) -> tuple[str, ...]:
    """Return what may be answered: after an answer that was lost comes a duplicate; nothing is accepted twice."""
    if must in (ACCEPTED, DUPLICATE):
        return (DUPLICATE,) if has_been_accepted or must == DUPLICATE else (ACCEPTED, DUPLICATE)
    return (must,)


def _id(ref: Ref) -> str:
    return str(sale_id(ref.branch, ref.till, ref.number))


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None
