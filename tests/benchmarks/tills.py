"""A chain's tills under load: each sends what it has, one request at a time, and what was refused again after a wait.

The load is open: a sale is due at its time, whether or not earlier ones were taken. Times are seconds of the monotonic
clock, amounts minor units.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

import orjson

from branchline.door import MOST_ITEMS
from branchline.simulation import menu
from branchline.simulation.town import Town
from contracts.pos import sale_id
from shared.settings import Settings
from shared.tokens import Tokens
from tests.benchmarks.wire import Wire, wire

CUSTOMERS = 1_000
CURRENCY = "CAD"
TURNED_AWAY = frozenset({429, 503})


@dataclass(slots=True)
class Sale:
    """A sale's way: when it was due, accepted, and seen in the view."""

    sale_id: UUID
    net_minor: int
    due_at: float
    answered_at: float = 0.0
    seen_at: float = 0.0


@dataclass
class Load:
    """What was sold in one lap. `took` has how long each request that was taken took, from sending to answer."""

    sales: list[Sale] = field(default_factory=list)
    accepted: dict[UUID, Sale] = field(default_factory=dict)
    unseen: dict[UUID, Sale] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    refused: int = 0
    without_wait: int = 0  # refused, and not told for how long
    is_done: asyncio.Event = field(default_factory=asyncio.Event)  # all that was due is accepted

    @property
    def net_minor(self) -> int:
        """Return the sum of what was accepted."""
        return sum(sale.net_minor for sale in self.accepted.values())

    def accept(self, sales: Sequence[Sale]) -> None:
        """Note what was accepted now."""
        now = time.perf_counter()
        for sale in sales:
            sale.answered_at = now
        told = {sale.sale_id: sale for sale in sales}
        self.accepted |= told
        self.unseen |= told


_Due = tuple[dict[str, Any], Sale]


@dataclass
class Till:
    """One till; its numbers go on from lap to lap."""

    code: str
    branch: str
    path: str
    token: str
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    waiting: list[_Due] = field(default_factory=list)
    sending: "asyncio.Task[None] | None" = None


class Tills:
    """The tills of a chain, and the customers who come to them."""

    def __init__(self, line: Wire, settings: Settings, tills: Sequence[tuple[str, str]]) -> None:
        tokens = Tokens(settings)
        self._line = line
        self.all = [
            Till(till, branch, f"/v1/tills/{till}/events", tokens.sign("till", branch=branch, subject=till))
            for branch, till in tills
        ]
        self._town = Town("bench", sorted({branch for branch, _ in tills}), CUSTOMERS)
        self._chance = Random("bench")

    def sell(self, load: Load, till: Till, due_at: float, sales: int = 1) -> None:
        """Let so many sales happen at a till; it sends them as soon as nothing else of it is under way."""
        for number in (next(till.numbers) for _ in range(sales)):
            item, net_minor = self._item(till, number)
            sale = Sale(sale_id(till.branch, till.code, str(number)), net_minor, due_at)
            load.sales.append(sale)
            till.waiting.append((item, sale))
        if till.sending is None or till.sending.done():
            till.sending = asyncio.create_task(self._send(load, till))

    async def until_accepted(self, load: Load) -> None:
        """Wait until all that was due is accepted."""
        await asyncio.gather(*(till.sending for till in self.all if till.sending))
        assert len(load.accepted) == len(load.sales)

    async def _send(self, load: Load, till: Till) -> None:
        while till.waiting:
            batch, till.waiting = till.waiting[:MOST_ITEMS], till.waiting[MOST_ITEMS:]
            body = orjson.dumps({"items": [item for item, _ in batch]})
            while not await self._post(load, till, body, [sale for _, sale in batch]):
                pass

    async def _post(self, load: Load, till: Till, body: bytes, sales: Sequence[Sale]) -> bool:
        """Return whether the sales were taken; when not, the wait that was asked for is over."""
        began = time.perf_counter()
        answer = await self._line.post(till.path, till.token, body)
        if answer.status == 200:
            load.took.append(time.perf_counter() - began)
            outcomes = {one["outcome"] for one in orjson.loads(answer.body)["items"]}
            assert outcomes == {"accepted"}, answer.body[:500]
            load.accept(sales)
            return True
        assert answer.status in TURNED_AWAY, (answer.status, answer.body[:500])
        load.refused += 1
        load.without_wait += "retry-after" not in answer.headers
        await asyncio.sleep(float(answer.headers.get("retry-after", 1)) * self._chance.uniform(1, 1.5))
        return False

    def _item(self, till: Till, number: int) -> tuple[dict[str, Any], int]:
        chance = self._chance
        customer = self._town.somebody(till.branch, chance).key(chance)
        lines = [menu.service(chance), menu.product(chance)]
        data = menu.receipt(number, CURRENCY, customer, lines, chance)
        item = {"seq": number, "type": "sale", "occurred_at": datetime.now(UTC).isoformat(), "data": data}
        return item, sum(line["net_minor"] for line in lines)


@asynccontextmanager
async def selling(settings: Settings, tills: Sequence[tuple[str, str]], connections: int) -> AsyncIterator[Tills]:
    """Yield the tills, each a branch and a code, with so many connections to the tills' service between them."""
    async with wire(settings.address("pos"), connections) as line:
        yield Tills(line, settings, tills)
