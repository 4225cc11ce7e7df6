-- What a receipt's lines sell, and what its entries have given by rule: its policy is found by its number.

ALTER TABLE receipt
  ADD COLUMN sold jsonb,                          -- line number -> what was charged, kind, code
  ADD COLUMN earned jsonb NOT NULL DEFAULT '{}',  -- rule -> points, of the lines as they were sold
  ADD COLUMN kept bigint NOT NULL DEFAULT 0,      -- points that refunds have left of them
  ADD COLUMN lots int NOT NULL DEFAULT 0;         -- in how many lots

-- of receipts that are known already, the kinds and codes are not
UPDATE receipt r SET sold = n.sold FROM (
  SELECT stream_id, data ->> 'sale_id' AS sale_id, (
    SELECT jsonb_object_agg(key, jsonb_build_array(value, jsonb_build_array('unknown', '')))
    FROM jsonb_each(data -> 'lines')
  ) AS sold FROM event WHERE type = 'ReceiptNoted'
) AS n WHERE r.customer_id = n.stream_id AND r.sale_id = n.sale_id::uuid;
UPDATE receipt r SET earned = jsonb_build_object('base', e.earned), kept = e.earned - e.taken, lots = 1 FROM (
  SELECT stream_id, data ->> 'sale_id' AS sale_id,
    sum((data ->> 'points')::bigint) FILTER (WHERE type = 'PointsEarned') AS earned,
    coalesce(sum((data ->> 'points')::bigint) FILTER (WHERE type = 'PointsTakenBack'), 0) AS taken
  FROM event WHERE type IN ('PointsEarned', 'PointsTakenBack') GROUP BY 1, 2
) AS e WHERE r.customer_id = e.stream_id AND r.sale_id = e.sale_id::uuid;

ALTER TABLE receipt ALTER COLUMN sold SET NOT NULL, DROP COLUMN net_minor, DROP COLUMN terms;
CREATE INDEX receipt_by_time ON receipt (customer_id, sold_at);
