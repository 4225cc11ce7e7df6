"""The HTTP part of a process: the service's routes and the kernel's, served until the part stops. Times are seconds."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn

from shared import feed_route, health, lost_route, parked_route, policy_route, status
from shared.http import Route, application
from shared.running import CannotRun, Running
from shared.service import Service

KERNEL = (
    *health.ROUTES,
    *status.ROUTES,
    *parked_route.ROUTES,
    *lost_route.ROUTES,
    *feed_route.ROUTES,
    *policy_route.ROUTES,
)

# open event streams end by themselves when their part stops; this is for clients that do not read
STREAMS_END_WITHIN = 3
BACKLOG = 1024


class _Server(uvicorn.Server):
    """Leaves signals to the process, which stops its parts in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal."""
        yield


async def http(running: Running) -> None:
    """Serve until the part stops; raise CannotRun when the port is taken."""
    listening = _listen(running)
    config = uvicorn.Config(
        application(running, routes(running.service)),
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STREAMS_END_WITHIN,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    stopping = asyncio.create_task(running.stop.wait())
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        serving.cancel()
        listening.close()


def routes(service: Service) -> tuple[Route, ...]:
    """Return every route of a service's process: its own, and those of KERNEL; the feed only of one that speaks."""
    missing = (() if service.says else feed_route.ROUTES) + (() if service.policy else policy_route.ROUTES)
    return (*(route for route in KERNEL if route not in missing), *service.routes)


def _listen(running: Running) -> socket.socket:
    host, port = running.settings.host, running.settings.port(running.service.name)
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotRun(f"{running.service.name}: cannot listen at {host}:{port} ({error.strerror})") from error
    structlog.get_logger().info("listening", host=host, port=port)
    running.listening.set()
    return listening
