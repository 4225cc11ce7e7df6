"""Processes of two texts of the same views live side by side: one of them fills what is read."""

import asyncio
from pathlib import Path

import pytest

from shared import rebuild, views
from shared.parts import serving
from shared.settings import Settings
from tests.shared.test_views import PARTS, SUM, changed, until, write
from tests.shared.toy import WITH_VIEWS


async def test_a_process_whose_views_were_superseded_fills_them_no_more(provisioned: Settings, tmp_path: Path) -> None:
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as old:
        await old.views_live.wait()
        async with serving(changed(tmp_path), provisioned, parts=("views",)) as new:
            async with asyncio.timeout(10):
                await new.views_live.wait()
            await write(old, 5)
            await until(new, SUM, lambda found: found == 5)
            async with asyncio.timeout(10):
                while old.views_live.is_set():
                    await asyncio.sleep(0.01)


async def test_an_older_text_waits_aside_until_no_process_of_the_newer_is_at_work(
    provisioned: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "LEASE", 2.0)
    monkeypatch.setattr(views, "RENEW_EVERY", 0.3)
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as old:
        await old.views_live.wait()
        await write(old, 5)
    async with serving(WITH_VIEWS, provisioned, parts=PARTS) as old:
        async with serving(changed(tmp_path), provisioned, parts=("views",)) as new, asyncio.timeout(20):
            await new.views_live.wait()
            async with serving(WITH_VIEWS, provisioned, parts=("views",)) as again:
                await asyncio.sleep(3)
                assert (again.views_live.is_set(), old.views_live.is_set()) == (False, False)
            await write(old, 1)
            await until(new, SUM, lambda found: found == 6)
        async with serving(changed(tmp_path), provisioned, parts=("views",)) as new, asyncio.timeout(20):
            await asyncio.wait_for(new.views_live.wait(), 1)  # a new start of the newer finds its views in place
        async with asyncio.timeout(20):
            await old.views_live.wait()
        await write(old, 1)
        await until(old, SUM, lambda found: found == 7)
        async with serving(changed(tmp_path), provisioned, parts=("views",)) as new, asyncio.timeout(20):
            await new.views_live.wait()  # what was undone is deployed once more
