"""What the intake answers the tills of a rig, heard while a fault strikes: journals show it only at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from tests.faults.rig import Rig


@dataclass(frozen=True)
class Answer:
    """One answer to a till: its status, and when the till is to come again, if it says so."""

    status: int
    retry_after: str


@contextmanager
def overheard(rig: Rig) -> Iterator[list[Answer]]:
    """Give a list that grows with each answer of the intake while the block lasts."""
    heard: list[Answer] = []

    async def note(answer: httpx2.Response) -> None:
        if answer.request.url.path.endswith("/events"):
            heard.append(Answer(answer.status_code, answer.headers.get("retry-after", "")))

    client = rig.office._client
    before = client.event_hooks
    client.event_hooks = {**before, "response": [*before.get("response", []), note]}
    try:
        yield heard
    finally:
        client.event_hooks = before
