"""A rebuild's tables: made beside the ones that are read, and put in their place in one transaction. Times are seconds.

What fills them, and when they have caught up, is in `shared/views.py`.

Processes of two texts may run side by side. A text is retired when another takes its place, read or being built. A
lease says that some process of a text is there, at work or aside. A retired text that has been there ever since gives
way, and is not built again, while one that is not retired is there: its processes stand aside, and so does one that is
started again. So to undo a deploy is to end its processes: a LEASE later the older text takes the place again. A text
that was away for a LEASE is a new deploy, and takes the place of what is there, also when it was undone before.
"""

import hashlib
from typing import TYPE_CHECKING

import asyncpg

from shared.failpoints import reached
from shared.postgres import Tx
from shared.running import CannotRun

if TYPE_CHECKING:
    from shared.running import Running

# a swap that waits for a reader longer gives up and comes again: below Postgres's own patience with deadlocks
_SWAP_PATIENCE = "300ms"

LEASE = 30.0  # longer than a process takes to be started again, on a busy machine too
RENEW_EVERY = 5.0

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('views of ' || current_schema() || $1, 0))"
_PATH = "SELECT set_config('search_path', $1, true)"
_PATIENCE = "SELECT set_config('lock_timeout', $1, true)"
_OWN = "SELECT live, number FROM view_set WHERE name = $1 AND text_hash = $2"
_OWN_LOCKED = _OWN + " FOR UPDATE"
_OWN_SHARED = _OWN + " FOR SHARE"
_LIVE = "SELECT text_hash FROM view_set WHERE name = $1 AND live FOR UPDATE"
# before the views, as their consumers do, and in the order of the parts
_HOLD_CONSUMER = "SELECT FROM consumed WHERE consumer = $1 ORDER BY topic, part FOR UPDATE"
_BEGIN = "INSERT INTO view_set (name, text_hash, live) VALUES ($1, $2, false)"
_NOTE_RETIRED = """
INSERT INTO view_text (name, text_hash, retired_at) SELECT name, text_hash, clock_timestamp() FROM gone
ON CONFLICT (name, text_hash) DO UPDATE SET retired_at = excluded.retired_at
"""
_ABANDON = "WITH gone AS (DELETE FROM view_set WHERE name = $1 AND NOT live RETURNING name, text_hash)" + _NOTE_RETIRED
_RETIRE = (
    "WITH gone AS (DELETE FROM view_set WHERE name = $1 AND text_hash <> $2 RETURNING name, text_hash)" + _NOTE_RETIRED
)
_COME_BACK = "UPDATE view_text SET retired_at = NULL WHERE name = $1 AND text_hash = $2"
_KEEP = """
INSERT INTO view_text (name, text_hash, kept_until)
SELECT name, text_hash, clock_timestamp() + make_interval(secs => $3) FROM view_set WHERE name = $1 AND text_hash = $2
ON CONFLICT (name, text_hash) DO UPDATE SET kept_until = excluded.kept_until RETURNING true
"""
_STAY = (
    "UPDATE view_text SET kept_until = clock_timestamp() + make_interval(secs => $3) WHERE name = $1 AND text_hash = $2"
)
_GIVES_WAY = """
SELECT EXISTS (SELECT FROM view_text WHERE name = $1 AND text_hash = $2 AND retired_at IS NOT NULL
               AND kept_until > clock_timestamp())
  AND EXISTS (SELECT FROM view_text WHERE name = $1 AND text_hash <> $2 AND retired_at IS NULL
              AND kept_until > clock_timestamp())
"""
_GO_LIVE = "UPDATE view_set SET live = true, moved_at = clock_timestamp() WHERE name = $1 AND text_hash = $2"
_FORGET = (
    "DELETE FROM consumed WHERE starts_with(consumer, $1) AND consumer <> ALL($2::text[])",
    "DELETE FROM parked_key WHERE starts_with(consumer, $1) AND consumer <> ALL($2::text[])",
    "DELETE FROM dead_letter WHERE starts_with(consumer, $1) AND consumer <> ALL($2::text[])",
)
_CONSUMERS = "SELECT $2 || text_hash FROM view_set WHERE name = $1"
# what a rebase has renamed shows what is lost
_LIVE_CONSUMER = "SELECT $2 || text_hash FROM view_set WHERE name = $1 AND live AND strpos(text_hash, '~') = 0"
_OBJECTS = """
WITH place AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = $1), object AS (
  SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END
           AS kind,
         format('%I.%I', nspname, relname) AS name, 1 AS place
  FROM pg_class c JOIN place ON relnamespace = place.oid
  WHERE relkind IN ('r', 'p', 'v', 'm') OR relkind = 'S' AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
  UNION ALL
  SELECT 'ROUTINE', p.oid::regprocedure::text, 2 FROM pg_proc p JOIN place ON pronamespace = place.oid
  UNION ALL
  SELECT 'TYPE', format('%I.%I', nspname, typname), 3 FROM pg_type t JOIN place ON typnamespace = place.oid
  WHERE typtype IN ('e', 'd', 'r')
    OR typtype = 'c' AND EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind = 'c')
)
"""
_DROPS = _OBJECTS + "SELECT format('DROP %s IF EXISTS %s CASCADE', kind, name) FROM object ORDER BY place"
_MOVES = _OBJECTS + "SELECT format('ALTER %s %s SET SCHEMA %I', kind, name, $2::text) FROM object ORDER BY place"


class Superseded(CannotRun):
    """The views of another text have taken the place of these, or a rebase has: they are filled no more."""

    def __init__(self) -> None:
        super().__init__("views of another text took the place of these")


class ViewTables:
    """The tables that the text of a service's views asks for, and where they are by now."""

    def __init__(self, running: "Running") -> None:
        assert running.service.views
        self.name = running.service.name
        self.text = running.service.views.sql.read_text()
        # an event that an older process could not read was passed over in its views: a longer list builds them anew
        known = "\n".join(sorted(running.service.seen_by_views))
        self.text_hash = hashlib.sha256(f"{self.text}\n{known}".encode()).hexdigest()[:16]
        self._kernel = running.settings.schema(self.name)
        self.views, self.building = f"{self._kernel}_views", f"{self._kernel}_building"

    @property
    def consumer(self) -> str:
        """Return the name of the consumers that fill them from topics."""
        return f"{self._stem}{self.text_hash}"

    @property
    def _stem(self) -> str:
        return f"{self.name}.views."

    async def prepare(self, tx: Tx) -> bool:
        """Make the tables beside, empty, where they are in neither place yet; return whether they are the ones read.

        A build that was broken off goes on, for its number moved with its rows; one of another text is dropped.
        Where nothing is read yet they take the place at once, and show how far behind they are. Raises Superseded
        where the text must give way.
        """
        await tx.execute(_ONE_AT_A_TIME, self.name)
        own = await tx.fetchrow(_OWN_LOCKED, self.name, self.text_hash)
        if own is None:
            if await self._gives_way(tx):
                raise Superseded
            await tx.execute(_ABANDON, self.name)
            await self._forget_consumers(tx)
            await self._each(tx, _DROPS, self.building)
            await self.look_beside(tx)
            await tx.execute(self.text)
            await tx.execute(_PATH, f"{self.views},{self._kernel}")
            await tx.execute(_BEGIN, self.name, self.text_hash)
            await tx.execute(_COME_BACK, self.name, self.text_hash)
            await self.keep(tx)
            await reached("view.building")
        if own and own["live"]:
            return True
        if await tx.fetchrow(_LIVE, self.name):
            return False
        await self._take_place(tx)
        return True

    async def keep(self, tx: Tx) -> None:
        """Say for a LEASE that a process is at work on them; raise Superseded."""
        if not await tx.fetchval(_KEEP, self.name, self.text_hash, LEASE):
            raise Superseded

    async def may_return(self, tx: Tx) -> bool:
        """Return whether superseded views may be prepared again; forget what a consumer of theirs has left late.

        Says for a LEASE that a process is there, aside.
        """
        await tx.execute(_ONE_AT_A_TIME, self.name)
        await self._forget_consumers(tx)
        gives_way = await self._gives_way(tx)
        await tx.execute(_STAY, self.name, self.text_hash, LEASE)
        return not gives_way

    async def live_consumer(self, tx: Tx) -> str | None:
        """Return the name of the consumers that fill what is read; none where that shows what has been lost."""
        name: str | None = await tx.fetchval(_LIVE_CONSUMER, self.name, self._stem)
        return name

    async def enter(self, tx: Tx, *, alone: bool) -> int:
        """Let the transaction write the tables where they are; return the number they have read to. Raises Superseded.

        They stay where they are until it ends; `alone` keeps other writers out too.
        """
        own = await tx.fetchrow(_OWN_LOCKED if alone else _OWN_SHARED, self.name, self.text_hash)
        if own is None:
            raise Superseded
        if not own["live"]:
            await self.look_beside(tx)
        return int(own["number"])

    async def look_beside(self, tx: Tx) -> None:
        """Let the rest of the transaction see the tables that are being built."""
        await tx.execute(_PATH, f"{self.building},{self._kernel}")

    async def hold(self, tx: Tx) -> None:
        """Keep everybody from moving the views that are read until the transaction ends; what is built goes on."""
        await tx.execute(_PATIENCE, _SWAP_PATIENCE)
        await tx.execute(_ONE_AT_A_TIME, self.name)
        await tx.execute(_HOLD_CONSUMER, await self.live_consumer(tx))
        await tx.execute(_LIVE, self.name)

    async def swap(self, tx: Tx) -> None:
        """Put the tables in the place of those that are read: readers see those before the commit, these after."""
        await self._each(tx, _DROPS, self.views)
        await self._take_place(tx)

    async def _take_place(self, tx: Tx) -> None:
        await self._each(tx, _MOVES, self.building, self.views)
        await tx.execute(_RETIRE, self.name, self.text_hash)
        await tx.execute(_GO_LIVE, self.name, self.text_hash)
        await self.keep(tx)
        await tx.execute(_PATH, f"{self.views},{self._kernel}")
        await self._forget_consumers(tx)

    async def _gives_way(self, tx: Tx) -> bool:
        return bool(await tx.fetchval(_GIVES_WAY, self.name, self.text_hash))

    async def _forget_consumers(self, tx: Tx) -> None:
        """Drop the places of consumers whose tables are gone."""
        kept = [row[0] for row in await tx.fetch(_CONSUMERS, self.name, self._stem)]
        for statement in _FORGET:
            await tx.execute(statement, self._stem, kept)

    async def _each(self, tx: Tx, listing: str, *places: str) -> None:
        rows: list[asyncpg.Record] = await tx.fetch(listing, *places)
        for row in rows:
            await tx.execute(row[0])
