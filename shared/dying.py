"""A Kafka reader that has died: aiokafka's tasks expect an OSError of a lost connection, and uvloop raises otherwise.

Of a transport that is closed uvloop says RuntimeError (aiokafka's issue 1038), and whichever task meets it ends: the
group's, its heartbeat's, the fetcher's or the one that keeps the metadata. Such a reader is asked in vain for ever.
"""

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError

SECONDS_TO_END = 1.0


def check(reader: Any) -> None:
    """Raise KafkaError where a reader has died: only another one reads on."""
    try:
        reader._coordinator.check_errors()
    except KafkaError:
        raise
    except Exception as error:  # a heartbeat's own is given on as it is
        raise KafkaError(f"the reader has died: {error!r}") from error
    for task in (reader._fetcher.error_future, reader._client._sync_task):
        if task is not None and task.done():
            raise KafkaError(f"the reader has died: {_why(task)!r}")


def _why(task: Any) -> BaseException | None:
    return None if task.cancelled() else task.exception()


def has_no_part(reader: Any) -> bool:
    """Return whether a reader has been given its partitions, and they are none."""
    subscription = reader._subscription.subscription
    return subscription.assignment is not None and not subscription.assignment.tps


async def bury(reader: Any) -> None:
    """Close what a reader that has died has open: its own `stop` raises, or waits, before it comes to that."""
    group, fetcher = reader._coordinator, reader._fetcher
    tasks = {fetcher._fetch_task, *fetcher._pending_tasks, group._coordination_task, group._heartbeat_task}
    tasks = {task for task in tasks if task is not None and not task.done()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=SECONDS_TO_END)
    client = reader._client
    with suppress(RuntimeError, KafkaError):
        await client.close()
    if client._sync_task is not None:  # it was the one that had ended
        client._sync_task = None
        with suppress(RuntimeError, KafkaError):
            await client.close()
