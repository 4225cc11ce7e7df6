"""A topic's records in batches, just as Kafka has them: the one place where FastStream is wired. Milliseconds.

Offsets are the reader's to commit, if it wants them at all.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiokafka import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from shared import dying
from shared.errors import Unavailable
from shared.running import Running
from shared.topics import answers_within_ms

FETCH_WAIT = 250  # how long a broker that has nothing new keeps the question
BATCH_WAIT = 24 * 3600 * 1000  # records are given as soon as they are there; FastStream looks away after a wait
MILLISECOND = timedelta(milliseconds=1)
HEARTBEAT = 1000  # how late a member hears that another has come or gone
BEATS_A_SESSION = 3
ENDS_WITHIN = 5.0  # seconds: a reader that waits for its group, or for ever, is buried
METADATA_AGE = 5000  # a topic that was gone and is there again gives its members partitions only when it is seen

_KAFKA_LOG = logging.getLogger(__name__)


class Batches:
    """Gives `hear` what comes to the group `group` of a topic, from the first record on, between `start` and `stop`."""

    def __init__(
        self,
        running: Running,
        topic: str,
        group: str,
        hear: Callable[[Any], Awaitable[None]],
        *,
        most_at_once: int,
        listener: ConsumerRebalanceListener | None = None,
    ) -> None:
        settings = running.settings
        self._place = settings.kafka
        self._broker = KafkaBroker(
            settings.kafka.split(","),  # FastStream takes a text for one place
            consumer_only=True,
            allow_auto_create_topics=False,
            client_id=running.member,
            request_timeout_ms=answers_within_ms(),
            metadata_max_age_ms=METADATA_AGE,
            apply_types=False,
            logger=_KAFKA_LOG,
            log_level=logging.DEBUG,
            parser=_unparsed,
            decoder=_undecoded,
        )
        self._subscriber: Any = self._broker.subscriber(
            topic,
            batch=True,
            group_id=group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            max_records=most_at_once,
            batch_timeout_ms=BATCH_WAIT,
            fetch_max_wait_ms=FETCH_WAIT,
            heartbeat_interval_ms=min(HEARTBEAT, settings.session // MILLISECOND // BEATS_A_SESSION),
            session_timeout_ms=settings.session // MILLISECOND,
            listener=listener,
            no_reply=True,
        )
        self._subscriber(hear)

    @property
    def client(self) -> Any:
        """Return aiokafka's consumer: to seek, pause and commit with."""
        return self._subscriber.consumer

    async def start(self) -> None:
        """Begin to read; raise Unavailable when Kafka does not answer."""
        try:
            await self._broker.start()
        except KafkaError as error:
            raise Unavailable(f"Kafka does not answer at {self._place}: {error}") from error

    def check(self) -> None:
        """Raise KafkaError where the reader has died."""
        dying.check(self.client)

    @property
    def has_no_part(self) -> bool:
        """Return whether Kafka has said that other members read all there is."""
        return dying.has_no_part(self.client)

    async def stop(self) -> None:
        """Read no more; what is in hand is finished, and waited for no longer than ENDS_WITHIN."""
        reader = self.client
        try:
            async with asyncio.timeout(ENDS_WITHIN):
                await self._broker.stop()
        except* (KafkaError, RuntimeError, TimeoutError) as died:  # a reader that has died says so again
            _KAFKA_LOG.warning("a reader had died: %r", died.exceptions[0])
            await dying.bury(reader)


async def _unparsed(records: Any) -> KafkaMessage:
    """Leave the headers alone: one that is no text must not lose a batch."""
    return KafkaMessage(body=b"", raw_message=records, consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Any:
    return message.raw_message
