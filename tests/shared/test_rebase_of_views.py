"""A rebase spoils the views that show what was lost: they are built anew."""

from pathlib import Path
from uuid import uuid4

from shared.migrations import provision
from shared.parts import serving
from shared.rebase import rebase
from shared.rebuild import ViewTables
from shared.running import Running, finish, start
from shared.service import Heard, Service, ViewSet
from shared.settings import Settings
from tests.shared.dump import dump, restore
from tests.shared.gone_back import VIEWER, gone_back, say_unseen
from tests.shared.pair import eventually, pair
from tests.shared.toy import NAME, TOTALS, WITH_VIEWS, Added, project


async def test_views_that_show_what_was_lost_are_built_anew(settings: Settings, tmp_path: Path) -> None:
    await provision(settings, VIEWER, None)
    service = Service(VIEWER, views=ViewSet(TOTALS, project, hears=(Heard(NAME, (Added,)),)))
    async with pair(settings) as two, serving(service, settings, parts=("views",)) as viewer:
        await viewer.views_live.wait()
        await two.say((uuid4(), 1), (uuid4(), 2))
        await eventually(lambda: _shows(viewer, 3))
        copy = await dump(settings, NAME, tmp_path / "copy")
        await two.say((uuid4(), 40))
        await eventually(lambda: _shows(viewer, 43))
    await restore(settings, NAME, copy)
    done = await rebase(settings, NAME)
    assert done
    assert done.spoiled == [VIEWER]
    async with pair(settings) as two:
        await two.say((uuid4(), 5))
        async with serving(service, settings, parts=("views",)) as viewer:
            await viewer.views_live.wait()
            await eventually(lambda: _shows(viewer, 8))


async def test_views_of_its_own_feed_are_built_anew_where_their_numbers_are_given_to_others(
    settings: Settings, tmp_path: Path
) -> None:
    await gone_back(settings, tmp_path)
    careless = await start(WITH_VIEWS, settings)
    await say_unseen(careless, 50, 60)
    async with careless.pool.acquire() as tx, tx.transaction():
        await ViewTables(careless).prepare(tx)
        await tx.execute("UPDATE view_set SET number = 5")  # they have read to the end, and show nothing of it
    await finish(careless)
    done = await rebase(settings, NAME)
    assert done
    assert done.spoiled == [NAME]
    async with serving(WITH_VIEWS, settings, parts=("views",)) as viewer:
        await viewer.views_live.wait()
        await eventually(lambda: _shows(viewer, 1 + 2 + 3 + 50 + 60))


async def _shows(viewer: Running, total: int) -> bool:
    return bool(await viewer.pool.fetchval("SELECT coalesce(sum(total), 0) = $1 FROM counters", total))
