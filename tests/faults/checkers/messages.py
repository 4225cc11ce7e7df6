"""Messages: no key reached the provider twice, and each outcome agrees with what the provider was given."""

import asyncpg

from tests.faults.checkers.evidence import Evidence, Findings

_JOURNAL = """
CREATE TABLE provider_journal (id bigint GENERATED ALWAYS AS IDENTITY, message_key text NOT NULL);
CREATE FUNCTION note_call() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  EXECUTE format('INSERT INTO %I.provider_journal (message_key) VALUES ($1)', TG_TABLE_SCHEMA) USING NEW.message_key;
  RETURN NEW;
END $$;
CREATE TRIGGER calls_are_noted BEFORE INSERT ON sandbox_sent FOR EACH ROW EXECUTE FUNCTION note_call();
"""
_TWICE = "SELECT message_key, count(*) AS times FROM provider_journal GROUP BY message_key HAVING count(*) > 1"
_WRONG = """
SELECT m.message_id, m.status, s.receipt FROM messages m
LEFT JOIN sandbox_sent s ON s.message_key = m.message_id::text
WHERE (m.status = 'sent') <> (s.receipt IS NOT NULL) AND m.status NOT IN ('claimed', 'unknown')
"""
_WAITING = """
SELECT message_id FROM outbox WHERE claimed_until IS NULL OR claimed_until < clock_timestamp() - interval '10 seconds'
UNION SELECT message_id FROM messages m
WHERE m.status IN ('planned', 'claimed') AND NOT EXISTS (SELECT FROM outbox o WHERE o.message_id = m.message_id)
"""


async def note_calls(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let the provider of a new cell write down every call, also one that it answers as it answered the first."""
    await connection.execute(_JOURNAL)


async def check(evidence: Evidence) -> Findings:
    """Compare what the provider has with what is on record."""
    findings = Findings()
    for row in await evidence.rows("notification", _TWICE):
        findings.lines.append(f"{row['message_key']} was sent {row['times']} times")
        findings.doubled += row["times"] - 1
    for row in await evidence.rows("notification", _WRONG):
        findings.lines.append(f"{row['message_id']} is {row['status']}, the provider's receipt {row['receipt']}")
    for row in await evidence.rows("notification", _WAITING):
        findings.lines.append(f"{row['message_id']} still waits")
    return findings
