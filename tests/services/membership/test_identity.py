"""The one form of what finds a person."""

import pytest

from contracts.membership import ByCard, ByClient, ByPhone, PersonKey
from services.membership.identity import Found, Unusable, canonical

PHONE = Found("phone", ("+14165550100",), "+14165550100")


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+14165550100", None),
        ("+1 (416) 555-0100", None),
        ("416 555 0100", "CA"),
        ("416-555-0100", "US"),
        ("＋１４１６５５５０１００", None),
    ],
)
def test_a_number_has_one_form_however_it_is_written(text: str, region: str | None) -> None:
    assert canonical(ByPhone(phone=text, region=region)) == PHONE


@pytest.mark.parametrize(
    "key",
    [
        ByPhone(phone="4165550100"),
        ByPhone(phone="+1416"),
        ByPhone(phone="hello"),
        ByPhone(phone="+999999999999999999"),
        ByPhone(phone="416 555 0100", region="ZZ"),
    ],
)
def test_a_number_that_cannot_be_one_says_so(key: ByPhone) -> None:
    assert canonical(key) == Unusable("phone-invalid")


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (ByCard(card=" 7001 "), Found("card", ("7001",))),
        (ByCard(card="  "), Unusable("card-invalid")),
        (ByClient(system="TOR1", client="KERT01 "), Found("client", ("TOR1", "KERT01"))),
        (ByClient(system="TOR1", client=" "), Unusable("client-invalid")),
    ],
)
def test_a_card_or_client_code_is_taken_as_it_is_but_for_blanks_around_it(
    key: PersonKey, found: Found | Unusable
) -> None:
    assert canonical(key) == found
