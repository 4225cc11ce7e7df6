"""The worker that sends: numbers from the vault, then the claims, then the provider, then the outcomes. Seconds.

The claim is committed before the provider is called, so a worker that dies leaves at most an unknown outcome.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import structlog

from contracts.membership import Contact, Reveal, Revealed
from services.notification.domain import (
    ClaimMessage,
    DropMessage,
    MessageClaimed,
    RecordFailed,
    RecordSent,
    RecordUnknown,
)
from services.notification.sender import Outgoing, Refused, SandboxSender, Sender, Taken
from services.notification.templates import TEXTS
from shared.failpoints import reached
from shared.faults import is_passing
from shared.handling import Outcome
from shared.message import Cause, Command, Issued
from shared.peer import PeerRefused
from shared.performing import perform
from shared.running import Running, pause

AT_ONCE = 16
PATIENCE = 10.0  # with one provider call
CLAIM_LASTS = timedelta(seconds=60)  # several times the patience: a worker that lives has its outcome by then
LOOKS_EVERY = 1.0
LONGEST_PAUSE = 5.0

Addressed: TypeAlias = tuple[asyncpg.Record, Contact]

_WAITING = """
SELECT message_id, customer_id, template, correlation, causation, traceparent FROM outbox
WHERE claimed_until IS NULL ORDER BY planned_at, message_id LIMIT $1
"""
_ABANDONED = """
SELECT message_id, correlation, causation, traceparent FROM outbox
WHERE claimed_until < clock_timestamp() ORDER BY message_id LIMIT $1
"""


async def deliver(running: Running) -> None:
    """Send what is planned until the service stops; any number of processes may do so at once."""
    delivery = Delivery(running, SandboxSender(running.pool))
    ear = running.appended.listen()
    wait = LOOKS_EVERY
    while not running.stop.is_set():
        try:
            looked_at = await delivery.turn()
            wait = LOOKS_EVERY
        except Exception as error:
            if not (is_passing(error) or isinstance(error, PeerRefused)):
                raise
            structlog.get_logger().warning("messages wait", error=f"{type(error).__name__}: {error}")
            looked_at, wait = 0, min(2 * wait, LONGEST_PAUSE)
        if looked_at < AT_ONCE:
            await pause(running, wait, ear if wait == LOOKS_EVERY else None)


@dataclass(frozen=True)
class Delivery:
    """What a worker needs to send."""

    running: Running
    sender: Sender
    patience: float = PATIENCE
    claim_lasts: timedelta = CLAIM_LASTS

    async def turn(self) -> int:
        """Give up dead claims, then send some of what waits; return how many waited. Raises where the vault is away."""
        await self._give_up()
        waiting = await self.running.pool.fetch(_WAITING, AT_ONCE)
        if not waiting:
            return 0
        contacts = await self._reveal([row["customer_id"] for row in waiting])
        claimed = await self._claim([(row, contacts[row["customer_id"]]) for row in waiting])
        await reached("delivery.claimed")
        await asyncio.gather(*(self._send(row, contact) for row, contact in claimed))
        return len(waiting)

    async def _give_up(self) -> None:
        abandoned = await self.running.pool.fetch(_ABANDONED, AT_ONCE)
        now, channel = datetime.now(UTC), self.sender.channel
        if abandoned:
            await self._perform(
                [(r, RecordUnknown(at=now, message_id=r["message_id"], channel=channel)) for r in abandoned]
            )

    async def _reveal(self, customers: Sequence[UUID]) -> dict[UUID, Contact]:
        asked = Reveal(purpose="sending a message", customers=tuple(dict.fromkeys(customers)))
        answer = await self.running.peers.call("membership", "POST", "/v1/vault/reveal", asked)
        return {contact.customer_id: contact for contact in Revealed.model_validate_json(answer).contacts}

    async def _claim(self, waiting: Sequence[Addressed]) -> list[Addressed]:
        """Return what is this worker's to send; whoever cannot be reached is settled here."""
        now = datetime.now(UTC)
        orders: list[tuple[asyncpg.Record, Command]] = []
        for row, contact in waiting:
            if contact.phone:
                orders.append((row, ClaimMessage(at=now, message_id=row["message_id"], until=now + self.claim_lasts)))
            else:
                code = "erased" if contact.erased else "no-address"
                orders.append((row, DropMessage(at=now, message_id=row["message_id"], code=code)))
        outcomes = await self._perform(orders)
        ours = {o.stream_id for o in outcomes if any(isinstance(e.event, MessageClaimed) for e in o.events)}
        return [(row, contact) for row, contact in waiting if row["message_id"] in ours]

    async def _send(self, row: asyncpg.Record, contact: Contact) -> None:
        assert contact.phone
        message = Outgoing(str(row["message_id"]), TEXTS[row["template"]], contact.phone)
        await reached("delivery.provider-not-called")
        sending = asyncio.wait_for(self.sender.send(message), self.patience)
        [answer] = await asyncio.gather(sending, return_exceptions=True)
        await reached("delivery.provider-answered")
        await self._perform([(row, self._told(row["message_id"], answer))])

    def _told(self, message_id: UUID, answer: Taken | Refused | BaseException) -> Command:
        now, channel = datetime.now(UTC), self.sender.channel
        match answer:
            case Taken(receipt=receipt):
                return RecordSent(at=now, message_id=message_id, channel=channel, receipt=receipt)
            case Refused(code=code):
                return RecordFailed(at=now, message_id=message_id, code=code)
            case BaseException():
                fault = type(answer).__name__
                structlog.get_logger().warning("an outcome is not known", message_id=str(message_id), fault=fault)
                return RecordUnknown(at=now, message_id=message_id, channel=channel)

    async def _perform(self, orders: Sequence[tuple[asyncpg.Record, Command]]) -> list[Outcome]:
        return await perform(self.running, [Issued(command, _cause(row)) for row, command in orders])


def _cause(row: asyncpg.Record) -> Cause:
    return Cause(row["correlation"], row["causation"], row["traceparent"], actor="delivery")
