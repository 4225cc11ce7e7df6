-- What an act earned: its lot may be divided by a split.
ALTER TABLE award ADD COLUMN points bigint NOT NULL DEFAULT 0;
UPDATE award a SET points = (
  SELECT coalesce(sum(part.points), 0) FROM lot l JOIN lot part USING (lot_id)
  WHERE l.customer_id = a.customer_id AND l.stayed = 0 AND l.source = 'act/' || a.act || '/' || a.act_id
);
