"""What waits must not be forgotten: refunds whose sale does not come raise an alarm. Times are seconds."""

import structlog

from shared.running import Running, pause

LOOK_EVERY = 3600.0
TOO_LONG_DAYS = 3  # a till may be offline for that long

_LONG_WAITING = """
SELECT till, count(*) AS refunds, min(waits_since) AS since FROM waiting_refund
WHERE waits_since < now() - make_interval(days => $1) GROUP BY till ORDER BY till
"""
_log = structlog.get_logger()


async def watch(running: Running) -> None:
    """Name the tills whose refunds have waited for too long, every hour until the service stops."""
    while not running.stop.is_set():
        for row in await running.pool.fetch(_LONG_WAITING, TOO_LONG_DAYS):
            since = row["since"].isoformat()
            _log.error("refunds wait for sales", alarm=True, till=row["till"], refunds=row["refunds"], since=since)
        await pause(running, LOOK_EVERY)
