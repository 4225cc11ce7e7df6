"""The page in the machine's browser: it stays live, says when it is not, and names what is wrong."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page, expect

from contracts.pos import TillGapClosed, TillGapOpened
from shared.rebuild import ViewTables
from shared.running import Running
from shared.settings import Settings
from tests.browser import opened
from tests.services.projection.conftest import at_the_door
from tests.services.projection.doors import address, token
from tests.services.projection.news import RECORDED, STORY, told
from tests.services.projection.tables import hear

_PLACE = """
INSERT INTO consumed (consumer, topic, part, epoch, number, next_offset) VALUES ($1, $2, 0, 1, 7, 8)
"""
_PARK = "INSERT INTO parked_key (consumer, topic, partition_key, since, cause) VALUES ($1, $2, $3, $4, $5)"


@asynccontextmanager
async def _page(browser: Browser, running: Running, **context: Any) -> AsyncIterator[Page]:
    async with await browser.new_context(**({"locale": "en"} | context)) as made:
        page = await made.new_page()
        await page.goto(address(running, f"/login?token={token(running)}"))
        yield page


async def test_a_page_whose_news_break_off_says_so_and_one_whose_news_come_back_goes_on(provisioned: Settings) -> None:
    async with opened() as browser, AsyncExitStack() as first:
        running = await first.enter_async_context(at_the_door(provisioned))
        await hear(running, told(STORY))
        async with _page(browser, running) as page:
            await expect(page.locator("#machine .verdict")).to_be_visible(timeout=20_000)
            await expect(page.locator("#broken")).to_be_hidden()
            await first.aclose()
            await expect(page.locator("#broken")).to_contain_text("stand still", timeout=20_000)
            await expect(page.locator("#freshness .pill")).to_have_text("Not live")
            async with at_the_door(provisioned):
                await expect(page.locator("#broken")).to_be_hidden(timeout=30_000)
                await expect(page.locator("#freshness .pill")).not_to_have_text("Not live")


async def test_a_page_whose_first_try_for_news_fails_tries_again(served: Running) -> None:
    async with opened() as browser, await browser.new_context(locale="en") as context:
        await context.route("**/live*", lambda route: route.abort(), times=1)
        page = await context.new_page()
        await page.goto(address(served, f"/login?token={token(served)}"))
        await expect(page.locator("#machine .verdict")).to_be_visible(timeout=30_000)


async def test_a_reader_whose_token_is_over_is_led_to_the_door(provisioned: Settings) -> None:
    async with opened() as browser, AsyncExitStack() as first:
        running = await first.enter_async_context(at_the_door(provisioned))
        async with _page(browser, running) as page:
            await expect(page.locator("#machine .verdict")).to_be_visible(timeout=20_000)
            await page.context.clear_cookies()
            await first.aclose()
            async with at_the_door(provisioned):
                await expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=30_000)


async def test_a_tills_gap_is_named_while_it_is_open(served: Running) -> None:
    gap = TillGapOpened(at=RECORDED, branch="TOR1", till="TOR1-1", first=3, last=6)
    async with opened() as browser, _page(browser, served) as page:
        await hear(served, told([gap]))
        served.projected.set()
        await expect(page.locator("#machine")).to_contain_text("4 missing", timeout=20_000)
        await hear(served, told([TillGapClosed(**dict(gap))], after=10))
        served.projected.set()
        await expect(page.locator("#machine")).to_contain_text("No till has a gap", timeout=20_000)


async def test_a_key_that_waits_is_named_and_the_figures_are_said_to_lack_it(served: Running) -> None:
    consumer, topic = ViewTables(served).consumer, served.settings.topic("pos")
    await served.pool.execute(_PLACE, consumer, topic)
    await served.pool.execute(_PARK, consumer, topic, "key-7", RECORDED, "ContractBroken: <b>lines</b>")
    async with opened() as browser, _page(browser, served) as page:
        machine = page.locator("#machine")
        for told_of in (consumer, topic, "key-7", "2026-11-22 09:00 UTC", "ContractBroken: <b>lines</b>"):
            await expect(machine).to_contain_text(told_of, timeout=20_000)
        await expect(page.locator("#banners")).to_contain_text(
            "Not in these figures: the news of keys that wait for an operator (1)"
        )


async def test_a_reader_turns_to_another_day_and_branch_and_back(served: Running) -> None:
    await hear(served, told(STORY))
    async with opened() as browser, _page(browser, served) as page:
        await page.locator("input[name=on]").fill("2026-11-20")
        await expect(page.locator("h1")).to_have_text("Friday, November 20, 2026")
        await page.locator("select[name=branch]").select_option("LON1")
        await expect(page.locator(".figure.lead .value")).to_have_text("CA$25.00")
        await page.get_by_role("link", name="中文").click()
        await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        await expect(page.locator(".figure.lead .value")).to_have_text("CA$25.00")
        await page.get_by_role("link", name="今天").click()
        await expect(page.locator("[aria-current=date]")).to_have_text("今天")


async def test_what_tills_send_cannot_put_markup_on_the_page(served: Running) -> None:
    nasty = "<img src=x onerror=alert(1)>{{ 7 * 7 }}"
    events = [e.model_copy(update={"title": nasty}) if hasattr(e, "title") else e for e in STORY]
    await hear(served, told(events))
    async with opened() as browser, _page(browser, served) as page:
        await expect(page.locator("#branches")).to_contain_text(nasty)
        assert await page.locator("main img").count() == 0
