-- Numbering reads what is new by its index, whatever Postgres believes: where few transactions had written most events, as
-- an import does, it took any one of them for a share of the store, and read all of it for each page.
ALTER FUNCTION number_events() SET enable_seqscan = off;
