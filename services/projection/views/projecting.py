"""Takes a batch of any speaker's envelopes into all tables, in one order of tables and keys: no deadlock."""

from collections.abc import Sequence

from services.projection.views import chain, customers, freshness, points, sales
from shared.message import Envelope
from shared.postgres import Tx


async def project(tx: Tx, envelopes: Sequence[Envelope]) -> None:
    """Apply each event once; the caller's fence sees to that. Events of one key come in order, others in any."""
    await chain.project(tx, envelopes)
    await sales.project(tx, envelopes)
    await customers.project(tx, envelopes)
    await points.project(tx, envelopes)
    await freshness.project(tx, envelopes)
