-- Locks the streams of `ids` that exist until the transaction ends, in id order so that two batches cannot deadlock, and
-- returns them. The first `guarded` of the ids are kept to the transaction even while they have no stream, by a lock in the
-- lock space `space`: who waited for one finds what the one before has made, so these are read again, and come twice.
CREATE FUNCTION open_streams(ids uuid[], guarded int, space bigint)
RETURNS TABLE (id uuid, category text, partition_key uuid, version int, shape smallint, state text)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE found int;
BEGIN
  RETURN QUERY SELECT s.id, s.category, s.partition_key, s.version, s.shape, s.state::text
    FROM stream s WHERE s.id = ANY (ids) ORDER BY s.id FOR NO KEY UPDATE;
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found < cardinality(ids) AND guarded > 0 THEN
    PERFORM pg_advisory_xact_lock(key) FROM (
      SELECT uuid_hash_extended(unborn, space) AS key FROM unnest(ids[:guarded]) AS g (unborn)
      WHERE NOT EXISTS (SELECT FROM stream s WHERE s.id = unborn) ORDER BY key
    ) AS k;
    RETURN QUERY SELECT s.id, s.category, s.partition_key, s.version, s.shape, s.state::text
      FROM stream s WHERE s.id = ANY (ids[:guarded]) ORDER BY s.id FOR NO KEY UPDATE;
  END IF;
END $$;
