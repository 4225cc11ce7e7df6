"""The one way out to a provider, and a sandbox that keeps what it was given. Waits are in seconds."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from shared.postgres import Pool

_CONDUCT = "SELECT conduct, slow_seconds FROM sandbox_conduct"
_TAKE = """
INSERT INTO sandbox_sent (message_key, provider_key, body) VALUES ($1, $2, $3)
ON CONFLICT (provider_key) DO UPDATE SET provider_key = excluded.provider_key RETURNING receipt::text
"""


@dataclass(frozen=True)
class Outgoing:
    """A message on its way out; the number is nowhere but here, and not in what is printed of it."""

    key: str
    body: str
    phone: str = field(repr=False)


@dataclass(frozen=True)
class Taken:
    """The provider has the message; `receipt` is its id for it."""

    receipt: str


@dataclass(frozen=True)
class Refused:
    """The provider surely does not have the message."""

    code: str


Answer: TypeAlias = Taken | Refused


class Sender(Protocol):
    """A provider. No answer in time, or any exception, means that it may have taken the message."""

    @property
    def channel(self) -> str:
        """Return what kind of way it is: sms, wechat."""

    async def send(self, message: Outgoing) -> Answer:
        """Hand the message over, once; waits for the provider."""


@dataclass(frozen=True)
class SandboxSender:
    """A provider that sends nothing. It takes all at once, unless `conduct` or the row in its table says otherwise.

    `with_keys`: it takes a message key once, as some providers do; the others depend on being asked once.
    """

    pool: Pool
    with_keys: bool = True
    conduct: str = "takes"
    slow_seconds: float = 0.0
    channel: str = "sandbox"

    async def send(self, message: Outgoing) -> Answer:
        row = await self.pool.fetchrow(_CONDUCT)
        conduct, slow_seconds = (row["conduct"], row["slow_seconds"]) if row else (self.conduct, self.slow_seconds)
        await asyncio.sleep(slow_seconds)
        match conduct:
            case "takes":
                return Taken(await self._take(message))
            case "refuses":
                return Refused("refused-by-provider")
            case "takes-and-is-silent":
                await self._take(message)
            case "breaks":
                raise ConnectionResetError("the provider hung up")
        await asyncio.Event().wait()
        raise TimeoutError

    async def _take(self, message: Outgoing) -> str:
        key = message.key if self.with_keys else None
        receipt: str = await self.pool.fetchval(_TAKE, message.key, key, message.body)
        return receipt
