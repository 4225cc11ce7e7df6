"""What a consumer has applied, it lets go of."""

import asyncio
import gc
from collections.abc import Sequence
from uuid import uuid4

from aiokafka.structs import ConsumerRecord

from shared.consumer import Consumer
from shared.message import Envelope
from shared.postgres import Tx
from shared.settings import Settings
from tests.shared.pair import LISTENER, at_work, pair
from tests.shared.toy import NAME

AT_HAND = 20  # records: the batch in hand, the one that is read meanwhile, and what a broker's answer has begun


async def test_what_was_applied_is_let_go_though_a_timer_was_set_meanwhile(settings: Settings) -> None:
    timers = []
    async with pair(settings) as two:
        calm = two.consumer()

        async def keep(tx: Tx, told: Sequence[Envelope]) -> None:
            timers.append(asyncio.get_running_loop().call_later(3600.0, print))  # as a driver's cache does
            await two.keep(tx, told)

        await two.say(*((uuid4(), amount) for amount in range(60)))
        async with at_work(
            Consumer(calm.applier.running, LISTENER, NAME, calm.applier.vocabulary, keep, most_at_once=5)
        ):
            await two.until_heard(range(60))
            await two.say(*((uuid4(), 60 + amount) for amount in range(60)))
            await two.until_heard(range(120))
            gc.collect()
            held = sum(type(one) is ConsumerRecord for one in gc.get_objects())
    for timer in timers:
        timer.cancel()
    assert held <= AT_HAND < 60
