"""A sale at a till is on headquarters' page at once, without reload: five services and the machine's own browser."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, Page, expect

from deploy.local.places import LOCAL
from shared.settings import Settings
from shared.tokens import Tokens
from tests.browser import opened
from tests.cell import Cell, cell

PICTURES = LOCAL / "pictures"
CHAIN: dict[str, Any] = {
    "chain": "Maison",
    "currency": "CAD",
    "branches": [
        {"code": "TOR1", "name": "Toronto", "zone": "America/Toronto", "region": "east"},
        {"code": "VAN1", "name": "Vancouver", "zone": "America/Vancouver", "region": "west"},
    ],
    "tills": [
        {"till": "TOR1-1", "branch": "TOR1", "kind": "till"},
        {"till": "VAN1-1", "branch": "VAN1", "kind": "till"},
    ],
}
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


def _item(
    seq: int, minor: int, name: str, customer: dict[str, str] | None = None, zone: str = "America/Toronto"
) -> Any:
    line = {"code": "CUT", "name": name, "kind": "service", "list_minor": minor, "net_minor": minor}
    at = datetime.now(ZoneInfo(zone)) - timedelta(seconds=1)
    data = {"receipt": f"{1000 + seq}", "currency": "CAD", "customer": customer, "lines": [line], "payments": []}
    return {"seq": seq, "type": "sale", "occurred_at": at.isoformat(), "data": data}


async def _sell(at_work: Cell, till: str, *items: Any) -> None:
    door = at_work.client("pos", "till", branch=till[:4], subject=till)
    answer = await door.post(f"/v1/tills/{till}/events", json={"items": list(items)})
    assert answer.status_code == 200, answer.text
    assert {item["outcome"] for item in answer.json()["items"]} == {"accepted"}


@asynccontextmanager
async def _page(browser: Browser, settings: Settings, **context: Any) -> AsyncIterator[tuple[Page, list[str]]]:
    """Yield a logged-in page, and what its console complains of."""
    async with await browser.new_context(**context) as made:
        page, said = await made.new_page(), list[str]()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(f"{settings.address('projection')}/login?token={Tokens(settings).sign('headquarters')}")
        yield page, said


async def _is_live(page: Page) -> None:
    await expect(page.locator("#freshness .pill.good")).to_be_visible(timeout=20_000)
    await expect(page.locator("#machine .verdict")).to_be_visible(timeout=20_000)


async def test_a_sale_arrives_on_the_open_page_without_reload(settings: Settings) -> None:
    async with cell(settings) as at_work, opened() as browser:
        assert (await at_work.client("pos").put("/v1/chain", json=CHAIN)).status_code == 200
        anne = {"phone": "+14165550100"}
        await _sell(at_work, "TOR1-1", _item(1, 62_000, "Colour, full", anne), _item(2, 4_200, "Beard trim"))
        await at_work.settled()
        async with _page(browser, settings, viewport=DESK, locale="en") as (page, said):
            await _is_live(page)
            await expect(page.locator(".figure.lead .value")).to_have_text("CA$662.00")
            await expect(page.locator("#figures")).to_contain_text("620")  # Anne's points
            await page.evaluate("window.wasHereBefore = true")

            began = time.monotonic()
            await _sell(at_work, "VAN1-1", _item(1, 8_800, "Keratin treatment", zone="America/Vancouver"))
            await expect(page.locator("#latest")).to_contain_text("Keratin treatment", timeout=10_000)
            seen_after = time.monotonic() - began
            await expect(page.locator(".figure.lead .value")).to_have_text("CA$750.00")
            await expect(page.locator("#branches")).to_contain_text("Vancouver")
            assert await page.evaluate("window.wasHereBefore") is True
            assert seen_after < 5, f"{seen_after:.2f} s"  # a goal of one second, on a machine with nothing else to do

            await _pictures(page, "desk-en")
            await _has_the_basics(page)
            assert said == []
        others: dict[str, dict[str, Any]] = {
            "phone-zh": {"viewport": PHONE, "locale": "zh-CN", "is_mobile": True, "device_scale_factor": 2},
            "desk-zh-dark": {"viewport": DESK, "locale": "zh-CN", "color_scheme": "dark"},
        }
        for name, context in others.items():
            async with _page(browser, settings, **context) as (page, said):
                await _is_live(page)
                await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
                await expect(page.locator("#latest")).to_contain_text("Keratin treatment")
                assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
                await _pictures(page, name)
                assert said == []


async def _has_the_basics(page: Page) -> None:
    """Look for what a reader needs who does not see, or has no pointer."""
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    assert await page.locator("[aria-live]").count() >= 2
    for chart in await page.locator("[data-chart]").all():
        kind = await chart.get_attribute("data-chart")
        await expect(chart.locator("canvas")).to_be_visible()
        table = page.locator(f"#{await chart.get_attribute('aria-describedby')} table[data-series={kind}]")
        assert await table.locator("tbody tr").count() >= 12
        await expect(table).to_be_hidden()
        await page.locator("details", has=table).locator("summary").press("Enter")
        await expect(table).to_be_visible()
    levels = await page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]))")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(sorted(set(levels)), sorted(set(levels))[1:], strict=False))
    nameless = "[...document.querySelectorAll('input,select,button,a')].filter((e) => !e.labels?.length && !e.innerText"
    assert await page.evaluate(f"{nameless} && !e.ariaLabel).length") == 0


async def _pictures(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
