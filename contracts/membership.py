"""What membership says of customers (never who they are), and the vault's calls. Customer ids are random."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import Minor, Whole
from shared.message import Event, Instant

LARGEST_CALL = 500

Month = Annotated[int, Field(ge=1, le=12)]


class CustomerRegistered(Event):
    """A person became known to the chain."""

    customer_id: UUID


class MembershipStarted(Event):
    """A customer joined by a purchase; `at` is the receipt's time and `joined_order` its place among all receipts."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    joined_order: str
    policy_version: Whole


class MembershipMovedEarlier(Event):
    """A receipt that was heard late shows that the customer had joined before; it replaces the joining receipt."""

    customer_id: UUID
    sale_id: UUID
    branch: str
    joined_order: str
    policy_version: Whole


class TierChanged(Event):
    """A member's tier is another one from `at`; `spend_minor` is what the window held then."""

    customer_id: UUID
    tier: str
    was: str
    spend_minor: Minor
    policy_version: Whole


class BirthdayMonthTold(Event):
    """A customer's birthday is in this month: so she says from `at` on, until she says another.

    The day stays in the vault. A month on a random id is a twelfth of all customers and leads to nobody; once a person
    is erased nothing says any more whose id it was, and the month that stays here is a number in a sum.
    """

    customer_id: UUID
    month: Month


class CustomersMerged(Event):
    """A customer turned out to be the same person as `into`, and is given up: from now on her news are that one's."""

    customer_id: UUID
    into: UUID
    merge_id: UUID


class CustomersSplit(Event):
    """The merge of `merged_at` was a mistake: she and `merged_into` are two, as if they had never been one."""

    customer_id: UUID
    merged_into: UUID
    merge_id: UUID
    merged_at: Instant


EVENTS = (
    CustomerRegistered,
    MembershipStarted,
    MembershipMovedEarlier,
    TierChanged,
    BirthdayMonthTold,
    CustomersMerged,
    CustomersSplit,
)


class _Call(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ByPhone(_Call):
    """A phone number: E.164, or as dialled in `region` (ISO 3166)."""

    phone: Annotated[str, Field(min_length=3, max_length=32)]
    region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None


class ByCard(_Call):
    """A membership card's number."""

    card: Annotated[str, Field(min_length=1, max_length=64)]


class ByClient(_Call):
    """An outside system's code for a client."""

    system: Annotated[str, Field(min_length=1, max_length=64)]
    client: Annotated[str, Field(min_length=1, max_length=64)]


PersonKey = ByPhone | ByCard | ByClient


class Resolve(_Call):
    """`POST /v1/vault/resolve`: people by phone, card or client code; who is not known is registered."""

    people: Annotated[tuple[PersonKey, ...], Field(max_length=LARGEST_CALL)]


class Resolution(_Call):
    """A customer's id, or the code of why there is none (`phone-invalid`)."""

    customer_id: UUID | None = None
    code: str | None = None


class Resolved(_Call):
    """One answer a person, in order."""

    people: tuple[Resolution, ...]


class Keep(_Call):
    """`POST /v1/vault/keep`: free text that may name people, to references for events. Same key, same reference."""

    texts: Annotated[tuple["KeptText", ...], Field(max_length=LARGEST_CALL)]


class KeptText(_Call):
    """A text under the caller's own key for it."""

    key: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=65_536)]


class Kept(_Call):
    """One reference a text, in order."""

    references: tuple[UUID, ...]


class Reveal(_Call):
    """`POST /v1/vault/reveal`: the plain contact of customers, or kept texts; each read is recorded."""

    purpose: Annotated[str, Field(min_length=1, max_length=100)]
    customers: Annotated[tuple[UUID, ...], Field(max_length=LARGEST_CALL)] = ()
    references: Annotated[tuple[UUID, ...], Field(max_length=LARGEST_CALL)] = ()


class Contact(_Call):
    """How to reach a customer; all empty when nothing is known, `erased` when it is no more."""

    customer_id: UUID
    phone: str | None = None
    name: str | None = None
    erased: bool = False


class Revealed(_Call):
    """Contacts and texts, one for each asked, in order."""

    contacts: tuple[Contact, ...] = ()
    texts: tuple[str | None, ...] = ()
