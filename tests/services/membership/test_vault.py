"""The vault: one customer a key however many ask at once, nothing in plain, every read on record."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from cryptography.exceptions import InvalidTag

from contracts.membership import ByCard, ByClient, ByPhone, KeptText, PersonKey, Resolution, Reveal
from services.membership.domain import RegisterCustomer
from services.membership.identity import Found
from services.membership.vault import Vault
from shared.message import Cause, Issued
from shared.postgres import Tx
from shared.running import Running
from shared.settings import Settings

CAUSE = Cause("a till", "a till")
PHONE, OTHER = "+14165550100", "+14165550101"


async def resolve(running: Running, *people: PersonKey) -> list[UUID]:
    resolved = await Vault(running).resolve(people, CAUSE)
    assert not any(one.code for one in resolved)
    return [one.customer_id for one in resolved if one.customer_id]


async def reveal(running: Running, *customers: UUID) -> list[str | None]:
    revealed = await Vault(running).reveal(Reveal(purpose="a test", customers=customers), "service:notification")
    return [contact.phone for contact in revealed.contacts]


async def registered(running: Running) -> int:
    return int(await running.pool.fetchval("SELECT count(*) FROM event WHERE type = 'CustomerRegistered'"))


async def test_a_number_is_one_customer_however_it_is_written(membership: Running) -> None:
    written = [ByPhone(phone=PHONE), ByPhone(phone="+1 416 555 0100"), ByPhone(phone="(416) 555-0100", region="CA")]
    together = await resolve(membership, *written)
    assert len({*together, *await resolve(membership, *written)}) == 1
    assert await registered(membership) == 1


async def test_phone_card_and_each_systems_codes_are_keys_of_their_own(membership: Running) -> None:
    people = (ByPhone(phone=PHONE), ByCard(card="7001"), ByClient(system="TOR1", client="7001"))
    found = await resolve(membership, *people, ByClient(system="TOR2", client="7001"))
    assert len(set(found)) == 4
    assert await resolve(membership, *people) == found[:3]


async def test_a_number_that_cannot_be_one_holds_up_nobody_else(membership: Running) -> None:
    bad, good = await Vault(membership).resolve([ByPhone(phone="123"), ByPhone(phone=PHONE)], CAUSE)
    assert bad == Resolution(code="phone-invalid")
    assert good.customer_id


async def check_race(vault: Vault) -> None:
    """Hold when calls that cross agree on one customer a number; raise AssertionError."""
    people = [ByPhone(phone=f"+1416555{number:04}") for number in range(30)]
    there, back = await asyncio.gather(
        asyncio.gather(*(vault.resolve(people, CAUSE) for _ in range(6))),
        asyncio.gather(*(vault.resolve(people[::-1], CAUSE) for _ in range(6))),
    )
    assert {*there, *(found[::-1] for found in back)} == {there[0]}
    assert await registered(vault.running) == len(people)


async def test_many_calls_at_once_for_unknown_numbers_make_one_customer_each(membership: Running) -> None:
    await check_race(Vault(membership))


class TrustsItsFirstLook(Vault):
    """A planted bug: who was not found a moment ago is taken to be unknown still."""

    async def _meet(self, tx: Tx, unknown: Mapping[bytes, Found], cause: Cause) -> dict[bytes, UUID]:
        made = {digest: uuid4() for digest in unknown}
        at = datetime.now(UTC)
        await self.running.handler.handle(
            tx, [Issued(RegisterCustomer(at=at, customer_id=c), cause) for c in made.values()]
        )
        return made


async def test_a_vault_that_trusts_its_first_look_is_seen(membership: Running) -> None:
    with pytest.raises(AssertionError):
        await check_race(TrustsItsFirstLook(membership))


async def test_a_customer_is_registered_with_the_one_who_asked_as_cause(membership: Running) -> None:
    (customer_id,) = await resolve(membership, ByPhone(phone=PHONE))
    async with membership.pool.acquire() as tx:
        (told,) = await membership.handler.history(tx, "customer", customer_id)
    assert (told.event.name, told.cause.correlation) == ("CustomerRegistered", "a till")


async def test_a_number_is_revealed_only_for_the_one_asked(membership: Running) -> None:
    mei, li, card = await resolve(membership, ByPhone(phone=PHONE), ByPhone(phone=OTHER), ByCard(card="7001"))
    assert await reveal(membership, li, mei, card, uuid4()) == [OTHER, PHONE, None, None]


async def test_every_read_is_on_record_and_stays_there(membership: Running) -> None:
    (mei,) = await resolve(membership, ByPhone(phone=PHONE))
    (note,) = await Vault(membership).keep([KeptText(key="parked/1", text="call Mei")])
    nobody = uuid4()
    await Vault(membership).reveal(Reveal(purpose="support", customers=(mei, nobody), references=(note,)), "staff:7")
    rows = await membership.pool.fetch("SELECT actor, purpose, subject, field FROM reveal_audit ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("staff:7", "support", mei, "contact"),
        ("staff:7", "support", nobody, "contact"),
        ("staff:7", "support", note, "text"),
    ]
    for statement in ("DELETE FROM reveal_audit", "UPDATE reveal_audit SET actor = 'nobody'"):
        with pytest.raises(asyncpg.PostgresError, match="stays on record"):
            await membership.pool.execute(statement)


async def test_a_ciphertext_moved_to_another_row_does_not_open(membership: Running) -> None:
    mei, li = await resolve(membership, ByPhone(phone=PHONE), ByPhone(phone=OTHER))
    await membership.pool.execute(
        "UPDATE person SET phone = (SELECT phone FROM person WHERE customer_id = $1) WHERE customer_id = $2", mei, li
    )
    with pytest.raises(InvalidTag):
        await reveal(membership, li)


async def test_a_ciphertext_moved_with_its_key_does_not_open(membership: Running) -> None:
    mei, li = await resolve(membership, ByPhone(phone=PHONE), ByPhone(phone=OTHER))
    await membership.pool.execute(
        """UPDATE person SET phone = (SELECT phone FROM person WHERE customer_id = $1) WHERE customer_id = $2""",
        mei,
        li,
    )
    await membership.pool.execute(
        "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE subject = $1) WHERE subject = $2", mei, li
    )
    with pytest.raises(InvalidTag):
        await reveal(membership, li)


async def test_no_table_has_a_number_card_or_text_in_plain(membership: Running, settings: Settings) -> None:
    await resolve(membership, ByPhone(phone=PHONE), ByCard(card="card-7001"), ByClient(system="TOR1", client="KERT01"))
    await Vault(membership).keep([KeptText(key="parked/Mei", text="Mei was not pleased")])
    secrets = (PHONE, PHONE[1:], "card-7001", "KERT01", "Mei", "pleased")
    assert await spread(settings, secrets) == []
    await membership.pool.execute(
        "INSERT INTO refused (cause, command, code, facts) VALUES ('x', '{}', $1, '{}')", PHONE
    )
    assert await spread(settings, secrets) == ["refused"] * 2


async def spread(settings: Settings, secrets: tuple[str, ...]) -> list[str]:
    """Return the tables of the service that hold a secret in plain, as text or as bytes, once a secret."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        schema = settings.schema("membership")
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", schema)
        found = []
        for (name,) in names:
            rows = await connection.fetch(" ".join(["SELECT t::text FROM", f'"{schema}"."{name}"', "t"]))
            held = "\n".join(row[0] for row in rows)
            found += [name for secret in secrets if secret in held or secret.encode().hex() in held]
        return found
    finally:
        await connection.close()


async def test_a_text_is_kept_once_under_its_key(membership: Running) -> None:
    first = await Vault(membership).keep([KeptText(key="1", text="first"), KeptText(key="2", text="second")])
    again = await Vault(membership).keep(
        [KeptText(key="2", text="another"), KeptText(key="3", text="third"), KeptText(key="3", text="fourth")]
    )
    assert again[0] == first[1]
    assert again[1] == again[2]
    revealed = await Vault(membership).reveal(Reveal(purpose="a test", references=(*first, again[1], uuid4())), "x")
    assert revealed.texts == ("first", "second", "third", None)


async def test_a_text_kept_by_many_at_once_has_one_reference(membership: Running) -> None:
    texts = [KeptText(key=str(number), text="x") for number in range(20)]
    kept = await asyncio.gather(*(Vault(membership).keep(texts[:: 1 if n % 2 else -1]) for n in range(8)))
    assert len({frozenset(references) for references in kept}) == 1
    assert await membership.pool.fetchval("SELECT count(*) FROM data_key") == 20


async def test_who_has_been_erased_stays_erased(membership: Running) -> None:
    """Erasure itself comes later; what it leaves behind is tried here."""
    (mei,) = await resolve(membership, ByPhone(phone=PHONE))
    async with membership.pool.acquire() as tx, tx.transaction():
        await tx.execute("DELETE FROM data_key WHERE subject = $1", mei)
        await tx.execute("DELETE FROM identity WHERE customer_id = $1", mei)
        await tx.execute("UPDATE person SET phone = NULL, erased_at = now() WHERE customer_id = $1", mei)
    (contact,) = (await Vault(membership).reveal(Reveal(purpose="a test", customers=(mei,)), "x")).contacts
    assert (contact.phone, contact.erased) == (None, True)
    assert await resolve(membership, ByPhone(phone=PHONE)) != [mei]


async def test_another_cells_key_finds_nobody(membership: Running, settings: Settings) -> None:
    (mei,) = await resolve(membership, ByPhone(phone=PHONE))
    (settings.keys / "vault.key").write_text("another")
    elsewhere = replace(membership, settings=replace(settings, log_level="DEBUG"))
    assert await resolve(elsewhere, ByPhone(phone=PHONE)) != [mei]
