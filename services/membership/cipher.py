"""The vault's cryptography: keyed hashes to find people by, and fields that open in their own row only.

AES-256-GCM, random nonces; a data key per subject, wrapped by the master key; the row's identity is associated data.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER = 1  # number of the master key in use
NONCE_BYTES = 12


class Cipher:
    """Hashes, wraps and opens under keys that are made from one secret."""

    def __init__(self, secret: bytes) -> None:
        self._finding = _derived(secret, b"branchline vault: finding")
        self._wrapping = AESGCM(_derived(secret, b"branchline vault: wrapping"))

    def digest(self, kind: str, *parts: str) -> bytes:
        """Return the keyed hash that stands for a value; parts are told apart by their lengths."""
        told = b"".join(len(part).to_bytes(4) + part for part in (p.encode() for p in (kind, *parts)))
        return hmac.digest(self._finding, told, hashlib.sha256)

    def new_key(self, subject: UUID) -> "DataKey":
        """Return a fresh data key of a person or text."""
        key = AESGCM.generate_key(bit_length=256)
        return DataKey(subject, key, _seal(self._wrapping, _place("data-key", subject), key))

    def opened(self, subject: UUID, wrapped: bytes) -> "DataKey":
        """Return a stored data key; raise InvalidTag when it is not this subject's."""
        return DataKey(subject, _unseal(self._wrapping, _place("data-key", subject), wrapped), wrapped)


@dataclass(frozen=True, repr=False)
class DataKey:
    """The key of one subject; `wrapped` is what may be stored."""

    subject: UUID
    key: bytes
    wrapped: bytes

    def seal(self, field: str, plain: str) -> bytes:
        """Return the field's ciphertext, which opens nowhere but in this field of this subject."""
        return _seal(AESGCM(self.key), _place(field, self.subject), plain.encode())

    def unseal(self, field: str, sealed: bytes) -> str:
        """Return the plain text; raise InvalidTag when it was sealed elsewhere or has been changed."""
        return _unseal(AESGCM(self.key), _place(field, self.subject), sealed).decode()


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _place(field: str, subject: UUID) -> bytes:
    return f"{field}|{subject}".encode()


def _seal(key: AESGCM, place: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, place)


def _unseal(key: AESGCM, place: bytes, sealed: bytes) -> bytes:
    return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
