-- The terms of a receipt's time as one value, so that a new term needs no new column here.
ALTER TABLE receipt ADD COLUMN terms jsonb;
UPDATE receipt SET terms = jsonb_build_object('points_per_unit', points_per_unit, 'minor_per_unit', minor_per_unit);
ALTER TABLE receipt ALTER COLUMN terms SET NOT NULL, DROP COLUMN points_per_unit, DROP COLUMN minor_per_unit;
