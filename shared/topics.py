"""Topics: made once with their partitions, checked at every start, and where they end. Waits are in seconds."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    RequestTimedOutError,
    TopicAlreadyExistsError,
    for_code,
)

from shared import dying
from shared.errors import Unavailable
from shared.running import CannotRun
from shared.settings import Settings

ANSWERS_WITHIN = 10.0  # for every client: a network that has lost a question or its answer tells nobody
LEAST_RETENTION = timedelta(days=7)
RETENTION = timedelta(days=30)
LARGEST_MESSAGE = 2 * 1024 * 1024  # bytes; a batch of the relay is at most a quarter of it, but one event may be large
MOST_REPLICAS = 3
MOST_LOOKS = 100
FETCH_WAIT = 10  # milliseconds; a look at another partition waits until the fetch before it has ended

_UNKNOWN = 3
_NO_ANSWER = (KafkaConnectionError, KafkaTimeoutError, RequestTimedOutError)


class TopicUnfit(CannotRun):
    """A topic is there, and cannot carry the channel as it is set up."""


async def ensure(settings: Settings, topic: str, partitions: int) -> None:
    """Make the topic where it is not; raise TopicUnfit where it cannot keep what a consumer may still need."""
    async with admin(settings) as kafka:
        if await _partitions(kafka, topic) == 0:
            await _create(kafka, topic, partitions)
        found, kept = 0, dict[str, str]()
        for _ in range(MOST_LOOKS):
            found, kept = await _partitions(kafka, topic), await _settings(kafka, topic)
            if found and kept:
                break
            await asyncio.sleep(0.05)  # each broker learns of a new topic a moment after it was made
        if not kept:
            raise Unavailable(f"Kafka at {settings.kafka} does not say how {topic} is kept")
        if found != partitions:
            raise TopicUnfit(f"{topic} has {found} partitions, not {partitions}: their number is fixed at birth.")
        _check(topic, kept)


async def partitions(settings: Settings, topic: str) -> int:
    """Return how many partitions a topic has; none when it is not there."""
    async with admin(settings) as kafka:
        return await _partitions(kafka, topic)


async def ends(settings: Settings, topic: str, count: int) -> Mapping[int, int]:
    """Return the offset after the last record, by partition."""
    async with reading(settings) as consumer:
        found = await consumer.end_offsets([TopicPartition(topic, part) for part in range(count)])
        return {place.partition: end for place, end in found.items()}


async def empty(settings: Settings, topic: str, ends: Mapping[int, int]) -> None:
    """Remove the records before these offsets."""
    async with admin(settings) as kafka:
        before = {TopicPartition(topic, part): RecordsToDelete(before_offset=end) for part, end in ends.items()}
        await kafka.delete_records(before)


def answers_within_ms() -> int:
    """Return for how long a client of Kafka waits for an answer, in its own unit."""
    return int(ANSWERS_WITHIN * 1000)


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Any]:
    """Give a Kafka consumer of no group, to look with; raise Unavailable when Kafka does not answer."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT,
        request_timeout_ms=answers_within_ms(),
    )
    try:
        await consumer.start()
        yield consumer
    except _NO_ANSWER as error:
        raise Unavailable(f"Kafka does not answer at {settings.kafka}: {error}") from error
    finally:
        try:
            await consumer.stop()
        except (KafkaError, RuntimeError):  # it had died: what was asked of it has failed already
            await dying.bury(consumer)


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[Any]:
    """Give a client that asks Kafka about its topics and groups; raise Unavailable when Kafka does not answer."""
    client = AIOKafkaAdminClient(bootstrap_servers=settings.kafka, request_timeout_ms=answers_within_ms())
    try:
        await client.start()
        yield client
    except _NO_ANSWER as error:
        raise Unavailable(f"Kafka does not answer at {settings.kafka}: {error}") from error
    finally:
        await client.close()


async def _partitions(admin: Any, topic: str) -> int:
    (found,) = await admin.describe_topics([topic])
    if found["error_code"] == _UNKNOWN:
        return 0
    return len(found["partitions"])


async def _create(admin: Any, topic: str, count: int) -> None:
    brokers = len((await admin.describe_cluster())["brokers"])
    replicas = min(MOST_REPLICAS, brokers)
    kept = {
        "cleanup.policy": "delete",
        "retention.ms": str(int(RETENTION.total_seconds() * 1000)),
        "retention.bytes": "-1",
        "max.message.bytes": str(LARGEST_MESSAGE),
        "min.insync.replicas": str(max(1, replicas - 1)),
    }
    answer = await admin.create_topics([NewTopic(topic, count, replicas, topic_configs=kept)])
    for name, code, *_ in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise TopicUnfit(f"{name} cannot be made: {for_code(code).__name__}.")


async def _settings(admin: Any, topic: str) -> dict[str, str]:
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}


def _check(topic: str, kept: Mapping[str, str]) -> None:
    if "delete" not in kept["cleanup.policy"] or "compact" in kept["cleanup.policy"]:
        raise TopicUnfit(f"{topic} is compacted: it would lose events that consumers have not seen.")
    milliseconds = int(kept["retention.ms"])
    if 0 <= milliseconds < LEAST_RETENTION.total_seconds() * 1000:
        raise TopicUnfit(
            f"{topic} keeps records for less than {LEAST_RETENTION.days} days (retention.ms {milliseconds})."
        )
    if int(kept["retention.bytes"]) >= 0:
        raise TopicUnfit(f"{topic} drops records by size (retention.bytes {kept['retention.bytes']}).")
    if int(kept["max.message.bytes"]) < LARGEST_MESSAGE:
        raise TopicUnfit(f"{topic} takes no record of {LARGEST_MESSAGE} bytes (max.message.bytes).")
