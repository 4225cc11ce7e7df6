"""Redrive: the dead letters of a parked key are applied in order, and the key is unparked with the last of them."""

from dataclasses import dataclass

import structlog

from shared.applying import Applier
from shared.faults import is_passing
from shared.parking import Letter
from shared.postgres import Tx

_log = structlog.get_logger()


@dataclass(frozen=True)
class Redriven:
    """What became of a key: how many letters were applied, and what stopped it; without an error it is unparked."""

    key: str
    applied: int
    error: str | None = None


async def redrive(applier: Applier, key: str | None = None) -> list[Redriven]:
    """Apply what waits for a key, or for each parked one, until it fails again; raise what passes by itself."""
    async with applier.running.pool.acquire() as tx:
        parked = await applier.parking.keys(tx)
    wanted = sorted(parked) if key is None else [key] if key in parked else []
    return [await _key(applier, one) for one in wanted]


async def _key(applier: Applier, key: str) -> Redriven:
    applied = 0
    while True:
        letter: Letter | None = None
        try:
            async with applier.running.pool.acquire() as tx, tx.transaction():
                letter = await _locked(tx, applier, key)
                over = await (_apply(tx, applier, letter) if letter else applier.parking.unpark(tx, key))
        except Exception as error:
            if is_passing(error) or letter is None:
                raise
            return await _stopped(applier, letter, applied, error)
        if applier.bell:
            applier.bell.set()
        applied += letter is not None
        if over or letter is None:
            _log.info("redriven", consumer=applier.consumer, topic=applier.topic, key=key, applied=applied)
            return Redriven(key, applied)


async def _locked(tx: Tx, applier: Applier, key: str) -> Letter | None:
    """Return the oldest letter, with its partition's row held so that the consumer can add none meanwhile."""
    oldest = await applier.parking.oldest(tx, key)
    parts = [oldest.arrival.part] if oldest else await applier.fence.places(tx)
    await applier.fence.lock(tx, parts)
    return await applier.parking.oldest(tx, key)


async def _apply(tx: Tx, applier: Applier, letter: Letter) -> bool:
    event = letter.arrival.read(applier.vocabulary)
    if event:
        await applier.effect(tx, [event])
    return await applier.parking.done(tx, letter)


async def _stopped(applier: Applier, letter: Letter, applied: int, error: Exception) -> Redriven:
    told = f"{type(error).__name__}: {error}"
    async with applier.running.pool.acquire() as tx:
        await applier.parking.failed(tx, letter, told)
    _log.error("redrive stopped", consumer=applier.consumer, topic=applier.topic, key=letter.arrival.key, error=told)
    return Redriven(letter.arrival.key, applied, told)
