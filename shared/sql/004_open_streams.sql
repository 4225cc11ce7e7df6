-- Locks the streams of `ids` that exist until the transaction ends, in id order so that two batches cannot deadlock, and
-- returns them. `guarded` are those whose id is kept to the transaction even while it has no stream, with a lock key for
-- each: who waited for such a key finds what the one before has made, so these are read again. A row may come twice.
CREATE FUNCTION open_streams(ids uuid[], guarded uuid[], keys bigint[])
RETURNS TABLE (id uuid, category text, partition_key uuid, version int, shape smallint, state text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE found uuid[];
BEGIN
  found := ARRAY(SELECT s.id FROM stream s WHERE s.id = ANY (guarded));
  RETURN QUERY SELECT s.id, s.category, s.partition_key, s.version, s.shape, s.state::text
    FROM stream s WHERE s.id = ANY (ids) ORDER BY s.id FOR NO KEY UPDATE;
  IF cardinality(found) < cardinality(guarded) THEN
    PERFORM pg_advisory_xact_lock(key) FROM (
      SELECT key FROM unnest(guarded, keys) AS g (id, key) WHERE g.id NOT IN (SELECT unnest(found)) ORDER BY key
    ) AS unborn;
    RETURN QUERY SELECT s.id, s.category, s.partition_key, s.version, s.shape, s.state::text
      FROM stream s WHERE s.id = ANY (guarded) ORDER BY s.id FOR NO KEY UPDATE;
  END IF;
END $$;
