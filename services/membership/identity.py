"""The one form of a phone number, card or client code by which a person is found. Pure."""

from dataclasses import dataclass

import phonenumbers

from contracts.membership import ByCard, ByClient, ByPhone, PersonKey


@dataclass(frozen=True)
class Found:
    """What finds a person: the kind of key and its parts. `phone` is E.164, where that is how she is found."""

    kind: str
    parts: tuple[str, ...]
    phone: str | None = None


@dataclass(frozen=True)
class Unusable:
    """A key that can name nobody, and why."""

    code: str


def canonical(key: PersonKey) -> Found | Unusable:
    """Return the key in its one form."""
    match key:
        case ByPhone(phone=text, region=region):
            phone = _e164(text, region)
            return Found("phone", (phone,), phone) if phone else Unusable("phone-invalid")
        case ByCard(card=text):
            card = text.strip()
            return Found("card", (card,)) if card else Unusable("card-invalid")
        case ByClient(system=system, client=text):
            client = text.strip()
            return Found("client", (system, client)) if client else Unusable("client-invalid")


def _e164(text: str, region: str | None) -> str | None:
    """Return the number in E.164 when its length is possible: numbering plans change faster than any list of them."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
