"""A debt is let go by one person, or by two where it is too large for one; once, and no more than is owed."""

from datetime import timedelta
from uuid import UUID, uuid5

from contracts.loyalty_points import DebtForgiven
from services.loyalty_points.domain import ApproveForgiveness, DeclineForgiveness, ForgiveDebt, ForgivenessAsked
from services.loyalty_points.terms import Terms
from tests.services.loyalty_points.books import Books
from tests.services.loyalty_points.spending import DAY, MEI, MONDAY, refused, told
from tests.services.loyalty_points.test_offline import spend
from tests.services.stories import joining, sale

ASKED = uuid5(MEI, "asked")


def owing(debt: int, **desk: int) -> Books:
    """Return the books of a member who owes that much; one person may let 50 go in 30 days."""
    books = Books(now=MONDAY, terms=Terms.model_validate({"desk": {"forgiven_alone": 50} | desk}))
    books.handle(spend(books, debt))
    return books


def forgive(books: Books, points: int, name: UUID = ASKED, person: str | None = "anna") -> ForgiveDebt:
    return ForgiveDebt(
        at=books.now, customer_id=MEI, forgiveness_id=name, points=points, reason="our-mistake", person=person
    )


def approve(books: Books, person: str | None = "ben") -> ApproveForgiveness:
    return ApproveForgiveness(at=books.now, customer_id=MEI, forgiveness_id=ASKED, person=person)


def decline(books: Books, person: str | None = "ben") -> DeclineForgiveness:
    return DeclineForgiveness(at=books.now, customer_id=MEI, forgiveness_id=ASKED, person=person)


def debt(books: Books) -> int:
    return books.accounts[MEI].debt


def test_one_person_lets_a_little_go_once() -> None:
    books = owing(80)
    assert isinstance(told(books, forgive(books, 50, person=None)), DebtForgiven)
    assert books.handle(forgive(books, 50)) == []
    refused(books, forgive(books, 30), "forgiveness-differs")
    refused(books, approve(books), "forgiveness-unknown")
    assert debt(books) == 30


def test_more_waits_for_a_second_person_and_nothing_is_let_go_meanwhile() -> None:
    books = owing(80)
    asked = told(books, forgive(books, 51))
    assert isinstance(asked, ForgivenessAsked)
    assert (asked.asked_by, asked.until, debt(books)) == ("anna", MONDAY + 7 * DAY, 80)
    assert books.handle(forgive(books, 51)) == []
    gone = told(books, approve(books))
    assert isinstance(gone, DebtForgiven)
    assert (gone.points, gone.forgiveness_id, debt(books)) == (51, ASKED, 29)
    assert books.handle(approve(books)) == []
    refused(books, decline(books), "forgiveness-ended")


def test_the_second_person_is_another_one() -> None:
    books = owing(80)
    refused(books, forgive(books, 80, person=None), "person-unnamed")
    books.handle(forgive(books, 80))
    refused(books, approve(books, "anna"), "second-person-is-the-first")
    refused(books, approve(books, None), "person-unnamed")
    assert debt(books) == 80


def test_many_small_ones_are_no_way_round_the_limit() -> None:
    books = owing(200)
    books.handle(forgive(books, 30, uuid5(MEI, "1")))
    books.handle(forgive(books, 20, uuid5(MEI, "2"), person="ben"))
    assert isinstance(told(books, forgive(books, 1)), ForgivenessAsked)
    books.handle(approve(books))
    assert isinstance(told(books, forgive(books, 1, uuid5(MEI, "3"))), ForgivenessAsked)
    books.now += timedelta(days=30)
    assert isinstance(told(books, forgive(books, 50, uuid5(MEI, "4"))), DebtForgiven)


def test_a_request_is_declined_or_lapses_and_cannot_be_approved_then() -> None:
    books = owing(80, asked_days=2)
    books.handle(forgive(books, 80))
    books.handle(decline(books))
    assert books.handle(decline(books)) == []
    assert refused(books, approve(books), "forgiveness-ended").facts == {"how": "declined"}
    books = owing(80, asked_days=2)
    books.handle(forgive(books, 80))
    books.now += 2 * DAY
    assert refused(books, approve(books), "forgiveness-ended").facts == {"how": "lapsed"}
    assert refused(books, decline(books), "forgiveness-ended").facts == {"how": "lapsed"}
    assert debt(books) == 80


def test_at_most_what_is_owed_when_it_is_approved_is_let_go() -> None:
    books = owing(80)
    refused(books, forgive(books, 81), "more-than-owed")
    books.handle(forgive(books, 80))
    bought = sale("9", (MEI, 3_000), at=MONDAY)
    books.hear([bought, joining(bought, MEI)])
    gone = told(books, approve(books))
    assert isinstance(gone, DebtForgiven)
    assert (gone.points, gone.debt, gone.balance) == (50, 0, 0)


def test_nothing_is_let_go_of_a_debt_that_was_repaid() -> None:
    books = owing(80)
    books.handle(forgive(books, 80))
    bought = sale("9", (MEI, 8_000), at=MONDAY)
    books.hear([bought, joining(bought, MEI)])
    refused(books, approve(books), "nothing-owed")
