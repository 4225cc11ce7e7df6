"""Signed tokens: who calls, in which role, for which branch. HS256 with the cell's key `token`; times are seconds."""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from shared.scope import ALL
from shared.settings import Settings

ROLES = frozenset({"till", "staff", "headquarters", "service"})
CHAIN_WIDE = frozenset({"headquarters", "service"})
OPERATORS = CHAIN_WIDE  # who may look into a service, and set its terms
PRESET_TTL = timedelta(hours=12)

_ALGORITHMS = ["HS256"]
_LEEWAY = 5


class NotAdmitted(Exception):
    """A token is missing, forged, of another cell, or over; the code says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `branch` is the only one it may act for, none: all; `subject` is a till's code or a person's id."""

    role: str
    branch: str | None = None
    subject: str | None = None

    @property
    def scope(self) -> str:
        """Return the branch whose rows the caller may read, or ALL; empty for none."""
        return self.branch or (ALL if self.role in CHAIN_WIDE else "")

    @property
    def actor(self) -> str:
        """Return the caller as an event's cause names it."""
        return f"{self.role}:{self.subject or self.branch or '*'}"


class Tokens:
    """Signs and reads the tokens of one cell."""

    def __init__(self, settings: Settings) -> None:
        self._key = OctKey.import_key(settings.key("token"))
        self._cell = settings.cell

    def sign(
        self, role: str, *, branch: str | None = None, subject: str | None = None, ttl: timedelta = PRESET_TTL
    ) -> str:
        """Return a token that is good for `ttl`; raise ValueError for a role that is none."""
        if role not in ROLES:
            raise ValueError(f"there is no role {role!r}, only {', '.join(sorted(ROLES))}")
        now = int(time.time())
        claims: dict[str, Any] = {"aud": self._cell, "role": role, "iat": now, "exp": now + int(ttl.total_seconds())}
        claims |= {name: value for name, value in (("branch", branch), ("sub", subject)) if value is not None}
        return jwt.encode({"alg": "HS256"}, claims, self._key, algorithms=_ALGORITHMS)

    def verify(self, token: str | None) -> Caller:
        """Return who the token names; raise NotAdmitted with token-missing, token-invalid or token-expired."""
        if not token:
            raise NotAdmitted("token-missing")
        try:
            claims = jwt.decode(token, self._key, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, RecursionError) as forged:
            raise NotAdmitted("token-invalid") from forged
        return self._caller(claims)

    def _caller(self, claims: dict[str, Any]) -> Caller:
        role, branch, subject, ends = (claims.get(name) for name in ("role", "branch", "sub", "exp"))
        if not isinstance(role, str) or role not in ROLES or claims.get("aud") != self._cell:
            raise NotAdmitted("token-invalid")
        if not isinstance(ends, int) or not all(value is None or isinstance(value, str) for value in (branch, subject)):
            raise NotAdmitted("token-invalid")
        if ends < time.time() - _LEEWAY:
            raise NotAdmitted("token-expired")
        return Caller(role, branch, subject)
