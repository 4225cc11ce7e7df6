"""Notification's endpoint: what became of a customer's messages."""

from typing import Any
from uuid import UUID

from services.notification import views
from shared.http import Here, Route, Who, reading

LARGEST_PAGE = 500


async def messages(customer: UUID, at: Here, caller: Who) -> list[dict[str, Any]]:
    async with reading(at, caller) as tx:
        return [dict(row) for row in await views.messages_of(tx, customer, LARGEST_PAGE)]


ROUTES = (Route("GET", "/v1/messages", messages, frozenset({"staff", "headquarters"})),)
