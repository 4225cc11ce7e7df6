-- What the kernel asks of its tables in one call. Calls that take arrays keep one plan: for short arrays Postgres would
-- plan them anew each time, which takes longer than to run them, and for long ones it may read a whole table.

-- Appends to many streams at expected versions, in one call. s_ arrays: one entry a stream, in id order; e_ arrays: one
-- entry an event, in order. A command id that exists raises BL208; a version that moved BL409.
CREATE FUNCTION append_events(
  s_id uuid[], s_category text[], s_partition uuid[], s_expected int[], s_count int[], s_shape smallint[], s_state text[],
  e_stream uuid[], e_version int[], e_part smallint[], e_shape smallint[], e_type text[], e_occurred timestamptz[],
  e_data text[], e_meta text[],
  done_id uuid DEFAULT NULL, done_hash bytea DEFAULT NULL, done_result text DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE born int; moved int;
BEGIN
  IF done_id IS NOT NULL THEN
    INSERT INTO command_done (id, body_hash, result) VALUES (done_id, done_hash, done_result::jsonb) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'this command was done before' USING ERRCODE = 'BL208';
    END IF;
  END IF;
  INSERT INTO stream (id, category, partition_key, version, shape, state)
    SELECT id, category, partition_key, count, shape, state::jsonb
    FROM unnest(s_id, s_category, s_partition, s_expected, s_count, s_shape, s_state)
      AS s (id, category, partition_key, expected, count, shape, state)
    WHERE expected = 0
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS born = ROW_COUNT;
  UPDATE stream SET version = s.expected + s.count, shape = s.shape, state = s.state::jsonb
    FROM unnest(s_id, s_expected, s_count, s_shape, s_state) AS s (id, expected, count, shape, state)
    WHERE stream.id = s.id AND stream.version = s.expected AND s.expected > 0;
  GET DIAGNOSTICS moved = ROW_COUNT;
  IF born + moved <> cardinality(s_id) THEN
    RAISE EXCEPTION 'a stream has moved' USING ERRCODE = 'BL409';
  END IF;
  INSERT INTO event (occurred_at, stream_id, part, version, shape, type, data, meta)
    SELECT occurred, stream, part, version, shape, type, data::jsonb, meta::jsonb
    FROM unnest(e_occurred, e_stream, e_part, e_version, e_shape, e_type, e_data, e_meta) WITH ORDINALITY
      AS e (occurred, stream, part, version, shape, type, data, meta, ordinal)
    ORDER BY ordinal;
END $$;

-- Gives every committed event that has none a feed number: gap-free, growing by one, never changed; one call in autocommit.
-- Reads the difference of two snapshots, so that no event is passed over behind a slow transaction. Returns how many.
-- The head is locked by a statement of its own: one that waits for a lock keeps the snapshot it began with.
CREATE FUNCTION number_events() RETURNS bigint LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_custom_plan AS $$
DECLARE h feed_head; n bigint;
BEGIN
  SELECT * INTO h FROM feed_head;
  IF NOT EXISTS (SELECT FROM event WHERE tx >= pg_snapshot_xmax(h.seen))
     AND NOT EXISTS (SELECT FROM event WHERE tx = ANY (ARRAY(SELECT pg_snapshot_xip(h.seen)))) THEN
    RETURN 0;
  END IF;
  SELECT * INTO h FROM feed_head FOR UPDATE;
  WITH fresh AS (
    SELECT seq, part FROM event WHERE tx >= pg_snapshot_xmax(h.seen)
    UNION ALL
    SELECT seq, part FROM event WHERE tx = ANY (ARRAY(SELECT pg_snapshot_xip(h.seen)))
  ), numbered AS (
    SELECT h.number + row_number() OVER (ORDER BY seq) AS number, seq, part
    FROM fresh WHERE seq + 0 > h.floor_seq
  ), chained AS (
    SELECT number, seq, part, CASE WHEN part IS NOT NULL THEN lag(number) OVER (PARTITION BY part ORDER BY number) END AS before
    FROM numbered
  ), written AS (
    INSERT INTO feed (number, epoch, seq, part, prev_epoch, prev_number)
    SELECT number, h.epoch, seq, part,
           CASE WHEN part IS NULL THEN NULL WHEN before IS NOT NULL THEN h.epoch
                ELSE coalesce((h.last_public -> part::text ->> 0)::bigint, 0) END,
           CASE WHEN part IS NULL THEN NULL
                ELSE coalesce(before, (h.last_public -> part::text ->> 1)::bigint, 0) END
    FROM chained ORDER BY number
    RETURNING number, part
  ), latest AS (
    SELECT coalesce(jsonb_object_agg(part, jsonb_build_array(h.epoch, number)), '{}') AS by_part
    FROM (SELECT part, max(number) AS number FROM written WHERE part IS NOT NULL GROUP BY part) AS p
  )
  UPDATE feed_head
    SET number = h.number + (SELECT count(*) FROM written), seen = pg_current_snapshot(),
        last_public = h.last_public || (SELECT by_part FROM latest)
  RETURNING number - h.number INTO n;
  RETURN n;
END $$;
