"""The page's addresses: who gets in, what is shown to whom, in which language; and the stream that keeps it live."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import pairwise

import httpx2
import pytest

from services.projection.page.live import BETWEEN_FRAMES, Reader
from services.projection.page.sight import Sight
from shared.running import Running
from shared.scope import ALL
from shared.server import STREAMS_END_WITHIN
from shared.settings import Settings
from tests.services.projection.conftest import at_the_door
from tests.services.projection.doors import client, token
from tests.services.projection.news import ANNE, FIRST, MORNING, STORY, named, sale, told
from tests.services.projection.tables import hear

DAY = "on=2026-11-20"


async def test_who_has_no_token_meets_a_door_that_speaks_the_language_asked_for(served: Running) -> None:
    async with client(served) as chinese, client(served, language="fr, en-GB;q=0.8, zh;q=0.5") as english:
        there, here = await chinese.get("/"), await english.get("/")
    assert (there.status_code, here.status_code) == (401, 401)
    assert '<html lang="zh-CN">' in there.text
    assert "请先登录" in there.text
    assert '<html lang="en">' in here.text
    assert 'name="token"' in here.text


@pytest.mark.parametrize(
    ("role", "ttl", "status", "words"),
    [
        ("headquarters", timedelta(hours=-1), 401, "登录已过期"),
        ("till", None, 403, "无权查看"),
        ("service", None, 403, "无权查看"),
    ],
)
async def test_the_door_says_why_it_stays_shut(
    served: Running, role: str, ttl: timedelta | None, status: int, words: str
) -> None:
    async with client(served) as browser:
        browser.cookies.set("branchline", token(served, role, ttl=ttl))
        answer = await browser.get("/")
    assert (answer.status_code, words in answer.text) == (status, True)


async def test_a_link_lets_the_browser_in_and_keeps_the_token_from_scripts(served: Running) -> None:
    await hear(served, told(STORY))
    async with client(served) as browser:
        entered = await browser.get("/login", params={"token": token(served)})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        kept = entered.headers["set-cookie"].lower()
        assert "httponly" in kept
        assert "samesite=lax" in kept
        page = await browser.get("/")
        assert (page.status_code, "Demo" in page.text) == (200, True)
        await browser.post("/logout")
        assert (await browser.get("/")).status_code == 401


async def test_a_pasted_token_lets_in_and_a_forged_one_does_not(served: Running) -> None:
    async with client(served) as browser:
        forged = await browser.post("/login", data={"token": token(served) + "x"})
        assert (forged.status_code, "set-cookie" in forged.headers) == (401, False)
        garbled = await browser.post("/login", content=b"\xff\xfe&token=%ff")
        assert garbled.status_code == 401
        assert (await browser.post("/login", data={"token": f" {token(served)}\n"})).status_code == 303
        assert (await browser.get("/")).status_code == 200


async def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(served: Running) -> None:
    await hear(served, told(STORY))
    async with client(served, "headquarters") as browser:
        page = await browser.get(f"/?{DAY}")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//|\sstyle=|\son\w+=|<script(?! src=)", page.text)


async def test_the_day_is_shown_with_its_figures_in_both_languages(served: Running) -> None:
    await hear(served, told(STORY))
    async with client(served, "headquarters") as browser:
        chinese, english = await browser.get(f"/?{DAY}"), await browser.get(f"/?{DAY}&lang=en")
        again = await browser.get(f"/?{DAY}")
    assert "2026年11月20日星期五" in chinese.text
    assert "Friday, November 20, 2026" in english.text
    assert "CA$222.00" in english.text  # 232.00 sold, 10.00 given back
    assert '<html lang="en">' in again.text  # a language that was chosen is kept


async def test_today_is_the_branchs_own_day(served: Running) -> None:
    async with client(served, "headquarters") as browser:
        for now in ("not-a-day", "0001-01-01", "9999-12-31", ""):
            assert (await browser.get("/", params={"on": now})).status_code == 200


async def test_staff_see_their_branch_alone_and_not_the_machine(served: Running) -> None:
    await hear(served, told(STORY))
    async with client(served, "staff", "LON1") as browser:
        page = await browser.get(f"/?{DAY}&lang=en")
        assert "CA$25.00" in page.text
        assert "Toronto" not in page.text
        assert 'id="machine"' not in page.text
        assert (await browser.get("/?branch=TOR1")).status_code == 403
        assert (await browser.get("/live?branch=TOR1")).status_code == 403
    async with client(served, "staff") as nobody:
        assert (await nobody.get("/")).status_code == 403


async def test_figures_and_customers_as_json_refuse_who_may_not_see_them(served: Running) -> None:
    await hear(served, told(STORY))
    async with client(served, "headquarters") as office, client(served, "staff", "SHA1") as staff:
        answers = {
            "whole": await office.get("/v1/chain/summary"),
            "own": await staff.get("/v1/chain/summary"),
            "foreign": await staff.get("/v1/chain/summary?branch=TOR1"),
            "unknown": await office.get("/v1/chain/summary?branch=NOWHERE"),
            "malformed": await office.get("/v1/chain/summary?from=yesterday"),
            "anne": await office.get(f"/v1/customers/{ANNE}"),
            "nobody": await office.get(f"/v1/customers/{named('nobody')}"),
        }
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "whole": 200,
        "own": 200,
        "foreign": 403,
        "unknown": 404,
        "malformed": 422,
        "anne": 200,
        "nobody": 404,
    }
    assert answers["whole"].json()["net_minor"] == 49_700
    assert answers["own"].json()["net_minor"] == 8_000
    assert answers["foreign"].json()["code"] == "branch-foreign"
    async with client(served) as stranger:
        assert (await stranger.get("/v1/chain/summary")).json()["code"] == "token-missing"


async def test_files_come_packed_and_for_long_and_nothing_else_comes(served: Running) -> None:
    async with client(served) as browser:
        style = await browser.get("/static/page.css?v=1")
        assert "immutable" in style.headers["cache-control"]
        assert style.headers["content-encoding"] == "gzip"
        assert "--paper" in style.text
        for name in ("unknown.js", "..%2Froutes.py", "%00"):
            assert (await browser.get(f"/static/{name}")).status_code == 404


async def _frames(answer: httpx2.Response) -> AsyncIterator[str]:
    frame: list[str] = []
    async for line in answer.aiter_lines():
        if line:
            frame.append(line.removeprefix("data: "))
        elif frame:
            yield "\n".join(frame)
            frame = []


async def test_a_sale_reaches_an_open_page_in_the_next_frame(served: Running) -> None:
    await hear(served, told(STORY))
    async with client(served, "headquarters") as browser, browser.stream("GET", f"/live?{DAY}&lang=en") as stream:
        assert stream.headers["content-encoding"] == "gzip"
        async with asyncio.timeout(10):
            frames = _frames(stream)
            while "CA$222.00" not in await anext(frames):
                pass
            fresh = sale("77", (None, 4_200), at=MORNING + timedelta(hours=1), title="Fringe trim")
            await hear(served, told([fresh], after=1000))
            served.projected.set()
            while "Fringe trim" not in (frame := await anext(frames)):
                pass
    assert "CA$264.00" in frame
    assert 'hx-target="#trend"' in frame
    assert 'hx-target="#machine"' not in frame or "unreachable" in frame


async def test_a_busy_hour_makes_no_more_than_two_frames_a_second(served: Running) -> None:
    await hear(served, told([FIRST]))
    async with client(served, "headquarters") as browser, browser.stream("GET", f"/live?{DAY}") as stream:
        frames, arrived = _frames(stream), list[float]()

        async def sell() -> None:
            for number in range(200):
                await hear(served, told([sale(f"b{number}", (None, 100))], after=2000 + number))
                served.projected.set()

        selling = asyncio.create_task(sell())
        async with asyncio.timeout(20):
            while len(arrived) < 5:
                await anext(frames)
                arrived.append(time.monotonic())
        selling.cancel()
    gaps = [after - before for before, after in pairwise(arrived[1:])]
    assert min(gaps) > BETWEEN_FRAMES * 0.6  # what the loop waits, less what the network may catch up


async def test_an_open_page_does_not_keep_the_service_from_stopping(provisioned: Settings) -> None:
    async with AsyncExitStack() as opened:
        running = await opened.enter_async_context(at_the_door(provisioned))
        async with client(running, "headquarters") as browser, browser.stream("GET", "/live") as stream:
            frames = _frames(stream)
            await anext(frames)
            began = time.monotonic()
            await opened.aclose()
            assert time.monotonic() - began < STREAMS_END_WITHIN
            async for _frame in frames:  # to a proper end
                pass


def test_a_page_that_reads_slowly_gets_the_newest_of_each_part_and_nothing_twice() -> None:
    reader = Reader(Sight(ALL, None, "en", sees_chain=True))
    reader.offer({"figures": "1", "hours": "a"})
    reader.offer({"figures": "2", "hours": "a"})
    first = reader.take().decode()
    assert '"#figures" hx-swap="innerMorph">2<' in first
    assert ">1<" not in first
    reader.offer({"figures": "3", "hours": "a"})
    reader.offer({"figures": "2", "hours": "a"})
    assert not reader.waiting
