"""A member of a Kafka group as a process of its own, to be killed. Run with a topic, a group and the member's name."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer

SESSION = 60_000  # milliseconds: longer than any test waits


async def main(kafka: str, topic: str, group: str, name: str) -> None:
    """Join, say so, and stay."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, group_id=group, client_id=name, session_timeout_ms=SESSION
    )
    await consumer.start()
    while not consumer.assignment():
        await asyncio.sleep(0.05)
    print("joined", flush=True)
    async for _ in consumer:
        pass


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
