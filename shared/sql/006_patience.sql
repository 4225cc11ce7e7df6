-- open_streams, now with a patience in milliseconds: a stream that stays locked for longer raises lock_not_available. 0 waits.
DROP FUNCTION open_streams(uuid[], int, bigint);
CREATE FUNCTION open_streams(ids uuid[], guarded int, space bigint, patience int DEFAULT 0)
RETURNS TABLE (id uuid, category text, partition_key uuid, version int, shape smallint, state text)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE found int;
BEGIN
  IF patience > 0 THEN
    PERFORM set_config('lock_timeout', patience::text, true);
  END IF;
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
  IF patience > 0 THEN
    PERFORM set_config('lock_timeout', '0', true);
  END IF;
END $$;
