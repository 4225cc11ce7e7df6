"""A worker in a process of its own, to be killed while its provider is silent: `python -m ... CLAIM_SECONDS`."""

import asyncio
import sys
from datetime import timedelta

from services.notification.app import app
from services.notification.delivery import Delivery
from services.notification.sender import SandboxSender
from shared.running import start
from shared.settings import Settings


async def send(claim_seconds: float) -> None:
    """Send what waits to a provider that takes it and says nothing."""
    running = await start(app, Settings.read())
    silent = SandboxSender(running.pool, with_keys=False, conduct="takes-and-is-silent")
    await Delivery(running, silent, patience=60, claim_lasts=timedelta(seconds=claim_seconds)).turn()


if __name__ == "__main__":
    asyncio.run(send(float(sys.argv[1])))
