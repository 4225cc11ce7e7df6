"""Rules' refusals of commands that nobody waits for: answers, kept with facts and cause for operators to see."""

import json
from collections.abc import Sequence

from shared.handling import Outcome
from shared.message import Issued
from shared.postgres import Tx

_KEEP = """
INSERT INTO refused (cause, command, code, facts) SELECT cause, command::jsonb, code, facts::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS r (cause, command, code, facts)
"""


async def keep(tx: Tx, issued: Sequence[Issued], outcomes: Sequence[Outcome]) -> None:
    """Keep the refusals among the outcomes, which are in the order of the commands."""
    refused = [(i, o.refusal) for i, o in zip(issued, outcomes, strict=True) if o.refusal]
    if refused:
        await tx.execute(
            _KEEP,
            [i.cause.causation for i, _ in refused],
            [json.dumps({"type": type(i.command).__name__} | i.command.model_dump(mode="json")) for i, _ in refused],
            [refusal.code for _, refusal in refused],
            [json.dumps(dict(refusal.facts), default=str) for _, refusal in refused],
        )
