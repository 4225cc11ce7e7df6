"""Tills that write to Kafka themselves: the same rules, customers by card only, and no record blocks the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from contracts.pos import ItemParked, SaleRecorded
from services.membership.app import app as membership
from services.pos.app import app as pos
from shared.batches import Batches
from shared.settings import Settings
from tests.cell import eventually
from tests.services.pos.conftest import at_work, open_shop
from tests.services.pos.shop import ACCEPTED, DUPLICATE, Item, Shop, refund, sale
from tests.shared.test_batches import lose_fetcher


class Writer:
    """A till with a Kafka client of its own."""

    def __init__(self, shop: Shop, producer: Any) -> None:
        self.shop = shop
        self._producer = producer
        self.topic = f"{shop.settings.cell}.pos.intake"

    async def write(self, *items: Item, till: str | None = None) -> None:
        till = till or self.shop.tills[0]
        await self.put(orjson.dumps({"till": till, "items": items}))

    async def put(self, value: bytes | None) -> None:
        await self._producer.send_and_wait(self.topic, value, key=self.shop.tills[0].encode())

    async def told(self, *numbers: str) -> None:
        """Wait until just these receipts are recorded."""

        async def are_there() -> bool:
            return sorted(e.number for e in await self.shop.told(SaleRecorded)) == sorted(numbers)

        await eventually(are_there, 20)


@asynccontextmanager
async def writing(settings: Settings) -> AsyncIterator[Writer]:
    async with (
        at_work(membership, settings, "http"),
        at_work(pos, settings, "workers", "http") as running,
        open_shop(running) as shop,
        AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer,
    ):
        yield Writer(shop, producer)


@pytest.fixture
async def writer(settings: Settings) -> AsyncIterator[Writer]:
    async with writing(settings) as one:
        yield one


async def test_a_reader_that_has_died_begins_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.pos.intake.worker.LOOK_EVERY", 0.2)
    readers, start = [], Batches.start

    async def started(batches: Batches) -> None:
        await start(batches)
        readers.append(batches)

    monkeypatch.setattr(Batches, "start", started)
    async with writing(settings) as writer:
        await writer.write(sale(1, "1001"))
        await writer.told("1001")
        reader = readers[-1].client
        lose_fetcher(reader)
        await asyncio.wait([reader._fetcher.error_future])
        await writer.write(sale(2, "1002"))
        await writer.told("1001", "1002")


async def test_what_comes_by_kafka_is_what_comes_over_http(writer: Writer) -> None:
    shop = writer.shop
    first, second = sale(1, "1001", customer={"card": "77"}), sale(2, "1002", customer={"client": "KERT01"})
    await writer.write(first, second)
    await writer.told("1001", "1002")
    assert await shop.send(first, sale(3, "1003"), second) == [DUPLICATE, ACCEPTED, DUPLICATE]
    await writer.write(first, sale(3, "1003"), *(sale(n, str(n)) for n in range(4, 700)))
    await writer.told("1001", "1002", "1003", *map(str, range(4, 700)))
    assert (await shop.till())["missing"] == []


async def test_a_phone_by_kafka_is_set_aside(writer: Writer) -> None:
    phone = {"phone": "+14165550100"}
    by_line = sale(2, "2")
    by_line["data"]["lines"][0]["customer"] = phone
    await writer.write(sale(1, "1", customer=phone), by_line, sale(3, "3"))
    await writer.told("3")
    assert [(e.seq, e.code) for e in await writer.shop.told(ItemParked)] == [
        (1, "phone-on-kafka"),
        (2, "phone-on-kafka"),
    ]


async def test_a_poisoned_record_goes_into_the_quarantine_and_the_next_is_taken(writer: Writer) -> None:
    poison: list[tuple[bytes | None, str]] = [
        (b"{", "malformed"),
        (None, "malformed"),
        (b"\xff\x00", "malformed"),
        (b'{"items": []}', "till-unknown"),
        (b'{"till": "NOWHERE-1", "items": [{"seq": 1}]}', "till-unknown"),
        (b'{"till": "\\u0000", "items": []}', "till-unknown"),
        (b"[" * 2000, "malformed"),
        (
            b'{"till": "' + writer.shop.tills[0].encode() + b'", "items": [' + b"[" * 500 + b"]" * 500 + b"]}",
            "malformed",
        ),
    ]
    for value, _ in poison * 2:
        await writer.put(value)
    await writer.write(sale(1, "1"), refund(2, "1", (1, 50_01)))
    await writer.told("1")
    found = (await writer.shop.get("/v1/quarantine?limit=500"))["items"]
    assert [(row["till"], row["code"]) for row in found][:-1] == [(None, code) for _, code in poison]
    assert [row["code"] for row in found][-1] == "refund-beyond-line"
    assert all(row["kept"] for row in found)
    own = (await writer.shop.get("/v1/quarantine", "staff", writer.shop.branch))["items"]
    assert [row["code"] for row in own] == ["refund-beyond-line"]


async def test_without_the_vault_records_wait(settings: Settings) -> None:
    asked = asyncio.Event()

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.write(b"HTTP/1.1 503 Not Now\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with (
        at_work(pos, settings, "workers", "http") as running,
        open_shop(running) as shop,
        AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer,
    ):
        writer = Writer(shop, producer)
        async with await asyncio.start_server(refuse, settings.host, settings.port("membership")):
            await writer.write(sale(1, "1", customer={"card": "77"}))
            await writer.write(sale(2, "2"))
            async with asyncio.timeout(20):
                await asked.wait()
            assert await shop.told(SaleRecorded) == []
        async with at_work(membership, settings, "http"):
            await writer.told("1", "2")
