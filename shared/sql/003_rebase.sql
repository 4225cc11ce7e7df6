-- What a rebase keeps, and what it does to the feed. Run by the owner while the service is stopped.

CREATE TABLE lost_event (                         -- what Kafka had above the cut of a rebase
  epoch         bigint,
  number        bigint,
  event_id      text,
  part          smallint NOT NULL,
  partition_key text NOT NULL,
  type          text NOT NULL,
  recorded_at   timestamptz NOT NULL,
  headers       jsonb NOT NULL,
  body          bytea NOT NULL,
  is_in_store   boolean NOT NULL,                 -- the store has it, and has told it again; else it is gone
  applied_by    text[] NOT NULL,                  -- consumers that had applied it, or passed it over
  waits_at      text[] NOT NULL,                  -- consumers at which it waits for its key
  begun         bigint NOT NULL,                  -- the epoch that the rebase began
  noted_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (epoch, number, event_id)
);

-- Begins an epoch after a number: what stood above it, and what had no number, is numbered by plain insert order, which is
-- the order of every stream. No transaction is open, so all that there is has been seen. Returns how many were numbered.
CREATE FUNCTION begin_epoch(cut bigint, begun bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  DELETE FROM feed WHERE feed.number > cut;
  WITH rest AS (
    SELECT cut + row_number() OVER (ORDER BY seq) AS number, seq, part FROM event e
    WHERE NOT EXISTS (SELECT FROM feed f WHERE f.seq = e.seq)
  ), chained AS (
    SELECT number, seq, part, lag(number) OVER (PARTITION BY part ORDER BY number) AS before FROM rest
  )
  INSERT INTO feed (number, epoch, seq, part, prev_epoch, prev_number)
    SELECT c.number, begun, c.seq, c.part,
           CASE WHEN c.part IS NULL THEN NULL WHEN before IS NOT NULL THEN begun ELSE coalesce(l.epoch, 0) END,
           CASE WHEN c.part IS NULL THEN NULL ELSE coalesce(before, l.number, 0) END
    FROM chained c LEFT JOIN LATERAL (
      SELECT f.epoch, f.number FROM feed f WHERE f.part = c.part AND f.number <= cut ORDER BY f.number DESC LIMIT 1
    ) AS l ON true;
  GET DIAGNOSTICS n = ROW_COUNT;
  UPDATE feed_head SET epoch = begun, number = cut + n, seen = pg_current_snapshot(),
    floor_seq = coalesce((SELECT max(seq) FROM event), 0),
    last_public = (
      SELECT coalesce(jsonb_object_agg(p.part, jsonb_build_array(l.epoch, l.number)), '{}')
      FROM generate_series(0, partitions - 1) AS p (part) CROSS JOIN LATERAL (
        SELECT f.epoch, f.number FROM feed f WHERE f.part = p.part ORDER BY f.number DESC LIMIT 1) AS l),
    system_id = (SELECT system_identifier FROM pg_control_system()),
    timeline = (SELECT timeline_id FROM pg_control_checkpoint());
  UPDATE relay_cursor SET leader = leader + 1, lease_until = '-infinity', number = cut, moved_at = clock_timestamp()
    WHERE relay = 'kafka';
  RETURN n;
END $$;
