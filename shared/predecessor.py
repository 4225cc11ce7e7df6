"""Lets a process that was killed go from its Kafka groups when another has taken its place. Times are seconds.

Kafka would keep the partitions for it until its session is over, and what it heard would stand still. A place is a port
of a host: whoever listens there knows that a member of the groups that was there before is dead, or about to end. Two
hosts of one name would let each other go once, at their start, and join again.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import structlog
from aiokafka.errors import KafkaError, UnknownMemberIdError, for_code
from aiokafka.protocol.group import LeaveGroupRequest

from shared import topics
from shared.errors import Unavailable
from shared.running import Running
from shared.settings import Settings

WITHIN = 3.0  # after that its session is about to end by itself

_log = structlog.get_logger()


def member(service: str, settings: Settings) -> str:
    """Return a name in Kafka for a process that is going to listen at the service's port: its place, and itself."""
    return f"{_place(service, settings)}{uuid4().hex}"


async def members_of(admin: Any, group: str) -> tuple[str, dict[str, str]]:
    """Return the state of a Kafka group, and who is in it: what each is called there by the id that it joined with."""
    # one group alone: aiokafka's schema lacks the last field of each, so of several it cannot read the second
    (answer,) = await admin.describe_consumer_groups([group])
    _error, _group, state, _kind, _protocol, members, *_ = answer.groups[0]
    return state, {joined_as: name for joined_as, name, *_ in members}


async def predecessor(running: Running) -> None:
    """Let whoever was here before go, once this process listens; where Kafka will not, its session ends some time."""
    own = asyncio.create_task(running.stop.wait())
    listening = asyncio.create_task(running.listening.wait())
    try:
        await asyncio.wait([own, listening], return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            await _let_go(running)
        await own
    finally:
        own.cancel()
        listening.cancel()


async def _let_go(running: Running) -> None:
    try:
        async with asyncio.timeout(WITHIN), topics.admin(running.settings) as admin:
            async for group, dead in _left_behind(admin, running):
                await _leave(admin, group, dead)
                _log.info("let go", group=group, member=dead)
    except (KafkaError, Unavailable, OSError, RuntimeError) as error:
        _log.warning("could not let go whoever was here before", error=repr(error))


async def _left_behind(admin: Any, running: Running) -> AsyncIterator[tuple[str, str]]:
    """Give the groups of the service, and in each the members of this place that are not this process."""
    settings, service = running.settings, running.service.name
    known = [name for name, _ in await admin.list_consumer_groups() if name.startswith(f"{settings.cell}.{service}.")]
    for group in known:
        _state, members = await members_of(admin, group)
        for joined_as, name in members.items():
            if name.startswith(_place(service, settings)) and name != running.member:
                yield group, joined_as


async def _leave(admin: Any, group: str, dead: str) -> None:
    """Leave a group in a member's name, as it would have done; aiokafka has no name of its own for that."""
    answer = await admin._send_request(LeaveGroupRequest(group, dead), await admin.find_coordinator(group))
    error = for_code(answer.error_code)
    if answer.error_code and error is not UnknownMemberIdError:
        raise error(group)


def _place(service: str, settings: Settings) -> str:
    return f"{service}@{socket.gethostname()}:{settings.port(service)}/"
