"""Personal data, here and nowhere else: found by keyed hash, encrypted by field, every read on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID, uuid4

import asyncpg

from contracts.membership import Contact, KeptText, PersonKey, Resolution, Reveal, Revealed
from services.membership.birthday import Birthday
from services.membership.cipher import MASTER, Cipher
from services.membership.domain import RegisterCustomer
from services.membership.identity import Found, Unusable, canonical
from shared.errors import Missing, Rejected
from shared.failpoints import reached
from shared.message import Cause, Issued
from shared.performing import in_transaction
from shared.postgres import Tx
from shared.running import Running
from shared.settings import Settings

PHONE, NAME, BIRTHDAY, TEXT = "phone", "name", "birthday", "text"

_FIND = "SELECT digest, customer_id FROM identity WHERE digest = ANY($1::bytea[])"
# In the order of the digests, so that two calls that cross wait for each other and never both; the second one to come
# finds the first one's rows when it reads again.
_MEET = """
WITH asked AS (
  SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::bytea[], $4::bytea[]) AS a (digest, customer_id, phone, wrapped)
), met AS (
  INSERT INTO identity (digest, customer_id) SELECT digest, customer_id FROM asked ORDER BY digest
  ON CONFLICT DO NOTHING RETURNING customer_id
), born AS (
  INSERT INTO person (customer_id, phone) SELECT customer_id, phone FROM asked JOIN met USING (customer_id)
), keyed AS (
  INSERT INTO data_key (subject, wrapped, master)
  SELECT customer_id, wrapped, $5 FROM asked JOIN met USING (customer_id)
)
SELECT customer_id FROM met
"""
_KEPT = "SELECT digest, reference FROM kept_text WHERE digest = ANY($1::bytea[])"
_KEEP = """
WITH asked AS (
  SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::bytea[], $4::bytea[]) AS a (digest, reference, body, wrapped)
), kept AS (
  INSERT INTO kept_text (reference, digest, body) SELECT reference, digest, body FROM asked ORDER BY digest
  ON CONFLICT DO NOTHING RETURNING reference
)
INSERT INTO data_key (subject, wrapped, master) SELECT reference, wrapped, $5 FROM asked JOIN kept USING (reference)
"""
_CONTACTS = """
SELECT p.customer_id, p.phone, p.full_name, p.erased_at, k.wrapped
FROM person p LEFT JOIN data_key k ON k.subject = p.customer_id WHERE p.customer_id = ANY($1::uuid[])
"""
_PERSON = """
SELECT k.wrapped FROM person p LEFT JOIN data_key k ON k.subject = p.customer_id WHERE p.customer_id = $1
"""
# the time is that of the row's lock: who is told later has a later one
_KEEP_BIRTHDAY = """
UPDATE person SET birthday = $2 WHERE customer_id = $1 AND erased_at IS NULL RETURNING clock_timestamp()
"""
_TEXTS = """
SELECT t.reference, t.body, k.wrapped FROM kept_text t JOIN data_key k ON k.subject = t.reference
WHERE t.reference = ANY($1::uuid[])
"""
_AUDIT = """
INSERT INTO reveal_audit (actor, purpose, subject, field)
SELECT $1, $2, subject, field FROM unnest($3::uuid[], $4::text[]) AS s (subject, field)
"""


@lru_cache(maxsize=8)
def cipher_of(settings: Settings) -> Cipher:
    """Return the cipher of the cell's vault; raise FileNotFoundError where this process has no key."""
    return Cipher(settings.key("vault"))


@dataclass(frozen=True)
class Vault:
    """The vault of a running service."""

    running: Running

    @property
    def cipher(self) -> Cipher:
        return cipher_of(self.running.settings)

    async def resolve(self, people: Sequence[PersonKey], cause: Cause) -> tuple[Resolution, ...]:
        """Return each one's customer id, in order; who is not known is registered, once however many ask together."""
        keys = [canonical(key) for key in people]
        found = {self.cipher.digest(k.kind, *k.parts): k for k in keys if isinstance(k, Found)}
        known = await self._known(self.running.pool, found)
        if unknown := {digest: key for digest, key in found.items() if digest not in known}:
            known |= await in_transaction(self.running, lambda tx: self._meet(tx, unknown, cause))
        return tuple(
            Resolution(code=key.code)
            if isinstance(key, Unusable)
            else Resolution(customer_id=known[self.cipher.digest(key.kind, *key.parts)])
            for key in keys
        )

    async def _known(self, tx: "Tx | asyncpg.Pool[asyncpg.Record]", found: Mapping[bytes, Found]) -> dict[bytes, UUID]:
        return {row["digest"]: row["customer_id"] for row in await tx.fetch(_FIND, list(found))}

    async def _meet(self, tx: Tx, unknown: Mapping[bytes, Found], cause: Cause) -> dict[bytes, UUID]:
        digests = sorted(unknown)
        data_keys = [self.cipher.new_key(uuid4()) for _ in digests]
        phones = [
            key.seal(PHONE, phone) if (phone := unknown[digest].phone) else None
            for digest, key in zip(digests, data_keys, strict=True)
        ]
        met = await tx.fetch(
            _MEET, digests, [k.subject for k in data_keys], phones, [k.wrapped for k in data_keys], MASTER
        )
        at = datetime.now(UTC)
        registering = [Issued(RegisterCustomer(at=at, customer_id=row["customer_id"]), cause) for row in met]
        await reached("vault.met")
        await self.running.handler.handle(tx, registering)
        return await self._known(tx, unknown)

    async def keep_birthday(self, tx: Tx, customer_id: UUID, birthday: Birthday) -> datetime:
        """Return since when it is kept; raise Missing for whom the vault does not know, Rejected for who is no more."""
        person = await tx.fetchrow(_PERSON, customer_id)
        if person is None:
            raise Missing("customer-unknown", customer_id=str(customer_id))
        told_at: datetime | None = None
        if wrapped := person["wrapped"]:
            sealed = self.cipher.opened(customer_id, wrapped).seal(BIRTHDAY, birthday.plain)
            told_at = await tx.fetchval(_KEEP_BIRTHDAY, customer_id, sealed)
        if told_at is None:
            raise Rejected("customer-erased", customer_id=customer_id)
        return told_at

    async def keep(self, texts: Sequence[KeptText]) -> tuple[UUID, ...]:
        """Return a reference for each text, in order; a key that was used before keeps its first text and reference."""
        digests = [self.cipher.digest("kept-text", kept.key) for kept in texts]
        asked = dict(zip(reversed(digests), reversed(texts), strict=True))
        known = await self._references(self.running.pool, digests)
        if fresh := {digest: kept for digest, kept in sorted(asked.items()) if digest not in known}:
            known |= await in_transaction(self.running, lambda tx: self._write(tx, fresh))
        return tuple(known[digest] for digest in digests)

    async def _references(self, tx: "Tx | asyncpg.Pool[asyncpg.Record]", digests: Sequence[bytes]) -> dict[bytes, UUID]:
        return {row["digest"]: row["reference"] for row in await tx.fetch(_KEPT, digests)}

    async def _write(self, tx: Tx, fresh: Mapping[bytes, KeptText]) -> dict[bytes, UUID]:
        data_keys = [self.cipher.new_key(uuid4()) for _ in fresh]
        bodies = [key.seal(TEXT, kept.text) for key, kept in zip(data_keys, fresh.values(), strict=True)]
        subjects, wrapped = [k.subject for k in data_keys], [k.wrapped for k in data_keys]
        await tx.execute(_KEEP, list(fresh), subjects, bodies, wrapped, MASTER)
        await reached("vault.kept")
        return await self._references(tx, list(fresh))

    async def reveal(self, asked: Reveal, actor: str) -> Revealed:
        """Return the plain contacts and texts, in order, once their reading is on record."""
        subjects = [*asked.customers, *asked.references]
        fields = ["contact"] * len(asked.customers) + [TEXT] * len(asked.references)
        async with self.running.pool.acquire() as tx, tx.transaction():
            people = {row["customer_id"]: row for row in await tx.fetch(_CONTACTS, asked.customers)}
            texts = {row["reference"]: row for row in await tx.fetch(_TEXTS, asked.references)}
            await tx.execute(_AUDIT, actor, asked.purpose, subjects, fields)
            await reached("vault.audited")
        return Revealed(
            contacts=tuple(self._contact(customer_id, people.get(customer_id)) for customer_id in asked.customers),
            texts=tuple(self._text(reference, texts.get(reference)) for reference in asked.references),
        )

    def _contact(self, customer_id: UUID, row: "asyncpg.Record | None") -> Contact:
        if row is None or row["wrapped"] is None or row["erased_at"]:
            return Contact(customer_id=customer_id, erased=bool(row and row["erased_at"]))
        key = self.cipher.opened(customer_id, row["wrapped"])
        phone, name = row["phone"], row["full_name"]
        return Contact(
            customer_id=customer_id,
            phone=key.unseal(PHONE, phone) if phone else None,
            name=key.unseal(NAME, name) if name else None,
        )

    def _text(self, reference: UUID, row: "asyncpg.Record | None") -> str | None:
        return self.cipher.opened(reference, row["wrapped"]).unseal(TEXT, row["body"]) if row else None
