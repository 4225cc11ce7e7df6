"""At most one send a message, whatever dies when; and an outcome for each."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.membership import ByCard, ByPhone, PersonKey
from contracts.notification import MessageFailed, MessageOutcomeUnknown, MessageSent
from services.membership.vault import Vault
from services.notification.delivery import Addressed, Delivery
from services.notification.domain import WELCOME, PlanMessage, message_id
from services.notification.sender import Outgoing, SandboxSender
from shared.errors import Unavailable
from shared.message import Cause, Event, Issued
from shared.peer import Peers
from shared.performing import perform
from shared.running import Running
from tests.cell import environment, eventually
from tests.ports import held_base

CAUSE = Cause("a till", "a joining", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
MEI, LI = ByPhone(phone="+14165550100"), ByPhone(phone="+14165550101")
SHORT = timedelta(seconds=0.3)


async def welcome(notification: Running, membership: Running, *people: PersonKey) -> list[UUID]:
    """Plan a welcome for each; return the messages' ids."""
    resolved = await Vault(membership).resolve(people, CAUSE)
    return await plan(notification, [one.customer_id for one in resolved if one.customer_id])


async def plan(notification: Running, customers: Sequence[UUID]) -> list[UUID]:
    at = datetime.now(UTC)
    ids = {message_id(f"{WELCOME}/{customer}"): customer for customer in customers}
    plans = [PlanMessage(at=at, message_id=i, customer_id=c, template=WELCOME) for i, c in ids.items()]
    await perform(notification, [Issued(command, CAUSE) for command in plans])
    return list(ids)


def delivery(running: Running, conduct: str = "takes", *, slow: float = 0.0) -> Delivery:
    """Return a worker whose provider has no keys that would hide a second send."""
    sender = SandboxSender(running.pool, with_keys=False, conduct=conduct, slow_seconds=slow)
    return Delivery(running, sender, patience=0.2, claim_lasts=SHORT)


async def outcome(running: Running, message: UUID) -> Event:
    async with running.pool.acquire() as tx:
        told = await running.handler.history(tx, "message", message)
    return told[-1].event


async def sends(running: Running) -> dict[str, int]:
    rows = await running.pool.fetch("SELECT message_key, count(*) FROM sandbox_sent GROUP BY 1")
    return {row["message_key"]: row["count"] for row in rows}


async def test_a_welcome_is_sent_once_and_its_receipt_told(notification: Running, membership: Running) -> None:
    (message,) = await welcome(notification, membership, MEI)
    assert [await delivery(notification).turn() for _ in range(3)] == [1, 0, 0]
    told = await outcome(notification, message)
    assert isinstance(told, MessageSent)
    row = await notification.pool.fetchrow("SELECT receipt::text, message_key FROM sandbox_sent")
    assert row is not None
    assert tuple(row) == (told.receipt, str(message))
    assert await notification.pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_what_is_told_of_a_message_is_traced_to_what_led_to_it(
    notification: Running, membership: Running
) -> None:
    (message,) = await welcome(notification, membership, MEI)
    await delivery(notification).turn()
    async with notification.pool.acquire() as tx:
        planned, *others = await notification.handler.history(tx, "message", message)
    for told in others:
        assert (told.cause.correlation, told.cause.traceparent) == (CAUSE.correlation, CAUSE.traceparent)
        assert told.cause.causation == planned.id


async def test_who_has_no_number_gets_nothing(notification: Running, membership: Running) -> None:
    (message,) = await welcome(notification, membership, ByCard(card="7001"))
    await delivery(notification).turn()
    assert await sends(notification) == {}
    told = await outcome(notification, message)
    assert isinstance(told, MessageFailed)
    assert told.code == "no-address"


async def test_what_the_provider_refuses_has_failed(notification: Running, membership: Running) -> None:
    (message,) = await welcome(notification, membership, MEI)
    await delivery(notification, "refuses").turn()
    told = await outcome(notification, message)
    assert isinstance(told, MessageFailed)
    assert told.code == "refused-by-provider"


@pytest.mark.parametrize(("conduct", "taken"), [("is-silent", 0), ("takes-and-is-silent", 1), ("breaks", 0)])
async def test_no_answer_is_an_unknown_outcome_and_never_sent_again(
    notification: Running, membership: Running, conduct: str, taken: int
) -> None:
    (message,) = await welcome(notification, membership, MEI)
    await delivery(notification, conduct).turn()
    assert isinstance(await outcome(notification, message), MessageOutcomeUnknown)
    assert await delivery(notification).turn() == 0
    assert sum((await sends(notification)).values()) == taken


async def test_a_row_in_its_table_changes_the_sandboxs_conduct(notification: Running, membership: Running) -> None:
    (message,) = await welcome(notification, membership, MEI)
    await notification.pool.execute("INSERT INTO sandbox_conduct (conduct) VALUES ('refuses')")
    await delivery(notification).turn()
    assert isinstance(await outcome(notification, message), MessageFailed)


async def test_a_provider_with_keys_takes_each_once(notification: Running) -> None:
    sender = SandboxSender(notification.pool)
    message = Outgoing(key="one", body="words", phone="+14165550100")
    assert await sender.send(message) == await sender.send(message)
    assert await sends(notification) == {"one": 1}


async def test_a_worker_that_dies_while_the_provider_is_asked_leaves_an_unknown_outcome(
    notification: Running, membership: Running
) -> None:
    (message,) = await welcome(notification, membership, MEI)
    doomed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.services.notification.doomed",
        "0.5",
        env=os.environ | environment(notification.settings),
    )

    async def is_taken() -> bool:
        return bool(await sends(notification))

    await eventually(is_taken)
    doomed.send_signal(signal.SIGKILL)
    await doomed.wait()
    others = delivery(notification)

    async def is_settled() -> bool:
        assert await others.turn() == 0
        return isinstance(await outcome(notification, message), MessageOutcomeUnknown)

    await eventually(is_settled)
    assert await sends(notification) == {str(message): 1}


async def test_messages_wait_while_the_vault_is_away(notification: Running, membership: Running) -> None:
    (message,) = await plan(notification, [uuid4()])
    with held_base() as nobody:
        elsewhere = Peers(replace(notification.settings, ports=nobody), "notification")
        with pytest.raises(Unavailable):
            await delivery(replace(notification, peers=elsewhere)).turn()
        await elsewhere.close()
    assert (await outcome(notification, message)).name == "MessagePlanned"
    assert await delivery(notification).turn() == 1


async def test_no_table_has_the_number_in_plain(notification: Running, membership: Running) -> None:
    await welcome(notification, membership, MEI, LI)
    await delivery(notification).turn()
    schema = notification.settings.schema("notification")
    names = await notification.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    assert "sandbox_sent" in {name for (name,) in names}
    for (name,) in names:
        if name != "migration":
            rows = await notification.pool.fetch(" ".join(["SELECT t::text FROM", f'"{name}"', "t"]))
            assert not any("416555" in row[0] for row in rows)


async def check_chaos(workers: Sequence[Delivery], messages: Sequence[UUID], seed: int) -> None:
    """Let workers die at random until nothing waits; hold when nothing was sent twice and outcomes are right."""
    chance = random.Random(seed)
    running = workers[0].running

    async def is_empty() -> bool:
        lives = [asyncio.create_task(worker.turn()) for worker in workers]
        await asyncio.sleep(chance.uniform(0, 0.06))
        for life in lives:
            if chance.random() < 0.5:
                life.cancel()
        ends = await asyncio.gather(*lives, return_exceptions=True)
        faults = [end for end in ends if isinstance(end, Exception)]
        assert not faults
        return int(await running.pool.fetchval("SELECT count(*) FROM outbox")) == 0

    await eventually(is_empty)
    sent = await sends(running)
    assert max(sent.values()) == 1
    for message in messages:
        match await outcome(running, message):
            case MessageSent():
                assert sent[str(message)] == 1
            case MessageFailed():
                assert str(message) not in sent
            case told:
                assert isinstance(told, MessageOutcomeUnknown)


async def everybody(notification: Running, membership: Running) -> list[UUID]:
    with_number = [ByPhone(phone=f"+1416555{number:04}") for number in range(30)]
    return await welcome(notification, membership, *with_number, *(ByCard(card=str(number)) for number in range(6)))


@pytest.mark.parametrize("seed", range(3))
async def test_workers_that_die_at_random_never_send_twice(
    notification: Running, membership: Running, seed: int
) -> None:
    messages = await everybody(notification, membership)
    await check_chaos([delivery(notification, slow=0.005) for _ in range(3)], messages, seed)


class ClaimsNothing(Delivery):
    """A planted bug: what waits is sent without a claim."""

    async def _claim(self, waiting: Sequence[Addressed]) -> list[Addressed]:
        return [(row, contact) for row, contact in waiting if contact.phone]


async def test_a_worker_that_claims_nothing_is_seen(notification: Running, membership: Running) -> None:
    messages = await everybody(notification, membership)
    sender = SandboxSender(notification.pool, with_keys=False)
    careless = ClaimsNothing(notification, sender, patience=0.2, claim_lasts=SHORT)
    await asyncio.gather(careless.turn(), careless.turn())
    with pytest.raises(AssertionError):
        await check_chaos([delivery(notification)], messages, 0)
