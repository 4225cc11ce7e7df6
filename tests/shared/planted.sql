-- Two readers of the store that are wrong, in the sequencer's clothes. Each chains what it finds like the real one.

CREATE FUNCTION chain(numbers bigint[], seqs bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE h feed_head;
BEGIN
  SELECT * INTO h FROM feed_head FOR UPDATE;
  WITH found AS (
    SELECT f.number, e.seq, e.part FROM unnest(numbers, seqs) AS f (number, seq) JOIN event e USING (seq)
  ), chained AS (
    SELECT number, seq, part, lag(number) OVER (PARTITION BY part ORDER BY number) AS before FROM found
  )
  INSERT INTO feed (number, epoch, seq, part, prev_epoch, prev_number)
  SELECT number, h.epoch, seq, part,
         CASE WHEN before IS NOT NULL THEN h.epoch ELSE coalesce((h.last_public -> part::text ->> 0)::bigint, 0) END,
         coalesce(before, (h.last_public -> part::text ->> 1)::bigint, 0)
  FROM chained;
  UPDATE feed_head SET number = h.number + cardinality(numbers), last_public = h.last_public || (
    SELECT coalesce(jsonb_object_agg(part, jsonb_build_array(h.epoch, number)), '{}')
    FROM (SELECT part, max(number) AS number FROM feed WHERE number > h.number GROUP BY part) AS p);
  RETURN cardinality(numbers);
END $$;

-- What has a higher sequence number than the last one read: passes over whoever commits late.
CREATE FUNCTION by_seq() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE h feed_head; s bigint[];
BEGIN
  SELECT * INTO h FROM feed_head FOR UPDATE;
  s := ARRAY(SELECT seq FROM event WHERE seq > (SELECT coalesce(max(seq), 0) FROM feed) ORDER BY seq);
  RETURN CASE WHEN cardinality(s) = 0 THEN 0
              ELSE chain(ARRAY(SELECT generate_series(h.number + 1, h.number + cardinality(s))), s) END;
END $$;

-- What lies below the oldest open transaction, in the order of transactions: a stream's later version may come first.
CREATE FUNCTION below_the_oldest_transaction() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE h feed_head; s bigint[];
BEGIN
  SELECT * INTO h FROM feed_head FOR UPDATE;
  s := ARRAY(
    SELECT seq FROM event
    WHERE tx < pg_snapshot_xmin(pg_current_snapshot())
      AND (tx, seq) > (SELECT coalesce(max(e.tx::text::bigint), 0)::text::xid8, 0::bigint FROM feed f JOIN event e USING (seq))
      AND NOT EXISTS (SELECT FROM feed f WHERE f.seq = event.seq)
    ORDER BY tx, seq);
  RETURN CASE WHEN cardinality(s) = 0 THEN 0
              ELSE chain(ARRAY(SELECT generate_series(h.number + 1, h.number + cardinality(s))), s) END;
END $$;
