"""Databases that were set back to an earlier time, while Kafka and everybody else are ahead. Seconds."""

import asyncio
import re
from pathlib import Path
from random import Random

from deploy.local.postgres import PROGRAMS
from tests.cell import eventually
from tests.faults.fault import Fault
from tests.faults.looking import more_is_told
from tests.faults.rig import Rig

LATER = (0.5, 3.0)
HEARD_WITHIN = 30.0
REFUSED_WITHIN = 30.0
REFUSAL = "branchline rebase"
# whose loss can be made good: tills send to pos again, loyalty-points hears again; the vault's customers nobody has
SPEAKERS = ("loyalty-points", "pos")

_HEARD = "SELECT sum(number) FROM consumed"
_SCHEMAS = "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname IN ($1, $2, $3)"


async def store_set_back(rig: Rig, chance: Random) -> None:
    """Set a speaker's store back: it refuses to start, until it is rebased; the tills send again what they have."""
    service = chance.choice(SPEAKERS)
    program = rig.services[service]
    await asyncio.sleep(chance.uniform(*LATER))
    backup = await dump(rig, service)
    await more_is_told(rig, service, HEARD_WITHIN)
    await asyncio.sleep(chance.uniform(*LATER))
    await program.down()
    await restore(rig, service, backup)
    await _is_refused(rig, service)
    rebased = await rig.branchline("rebase", service)
    assert rebased.status == 0 and f"{service}: cut at " in rebased.text, rebased.text
    lost = re.search(r"^gone: (\d+)$", rebased.text, re.MULTILINE)
    assert lost and int(lost[1]), f"nothing was lost: {rebased.text}"
    await rig.note_dropped(service)  # a rebase empties the topic
    if service == "pos":
        await rig.tills.leave()
    await program.up()
    spoiled = re.search(r"^start again, to build views anew: (.*)$", rebased.text, re.MULTILINE)
    for name in spoiled[1].split(", ") if spoiled else ():
        await rig.services[name].again()
    if service == "pos":
        await _send_again(rig)


async def listener_set_back(rig: Rig, chance: Random) -> None:
    """Set a service back that only listens, with its rows and its views: it hears again what it has forgotten."""
    program = rig.services["projection"]
    backup = await dump(rig, "projection")
    await more_is_told(rig, "pos", HEARD_WITHIN)
    await asyncio.sleep(chance.uniform(*LATER))
    await program.down()
    heard = await rig.asked("projection", _HEARD)
    await restore(rig, "projection", backup)
    assert await rig.asked("projection", _HEARD) < heard, "nothing was lost"
    await program.up()


async def dump(rig: Rig, service: str) -> Path:
    """Return a copy of a service's schemas, taken while it runs."""
    schema, file = rig.settings.schema(service), rig.home / f"{service}.dump"
    schemas = [f"--schema={schema}{suffix}" for suffix in ("", "_views", "_building")]
    await _run("pg_dump", "--format=custom", f"--file={file}", *schemas, rig.servers.owner_url)
    return file


async def restore(rig: Rig, service: str, backup: Path) -> None:
    """Put the copy in the place of what is there. The service must be down."""
    schema = rig.settings.schema(service)
    connection = await rig.connect()
    try:
        for (name,) in await connection.fetch(_SCHEMAS, schema, f"{schema}_views", f"{schema}_building"):
            await connection.execute(" ".join(["DROP SCHEMA", name, "CASCADE"]))
    finally:
        await connection.close()
    await _run("pg_restore", "--exit-on-error", f"--dbname={rig.servers.owner_url}", str(backup))


async def _run(program: str, *words: str) -> None:
    running = await asyncio.create_subprocess_exec(
        PROGRAMS / program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await running.communicate()
    assert running.returncode == 0, f"{program}: {said.decode()}"


async def _is_refused(rig: Rig, service: str) -> None:
    """See that the service does not start on a store that went back, and says what to do."""
    program = rig.services[service]
    size = program.log.stat().st_size
    program.start()
    program.kept = False

    async def has_ended() -> bool:
        return not program.runs

    await eventually(has_ended, REFUSED_WITHIN)
    said = program.log.read_bytes()[size:].decode(errors="replace")
    assert program.ended and REFUSAL in said, f"{service} started on a store that went back: {said[-500:]}"


async def _send_again(rig: Rig) -> None:
    """Let every till send all of its journal again, as branches do when their store has lost something.

    Nothing new may come before: a till that had used a number twice would be taken at its second word.
    """
    for answers in rig.tills.journals.glob("*.answers"):
        answers.unlink()
    await rig.tills.sell()


FAULTS = (
    Fault("a store is set back, and rebased", store_set_back, own_cell=True),
    Fault("a listener is set back", listener_set_back),
)
