-- Whose a receipt is now: `customer_id` stays the id it was sold under, `owner` is the one whose tier it counts for.
ALTER TABLE spend ADD COLUMN owner uuid;
UPDATE spend SET owner = customer_id;
ALTER TABLE spend ALTER COLUMN owner SET NOT NULL;
DROP INDEX spend_by_time;
CREATE INDEX spend_by_time ON spend (owner, sold_at);

-- As whom a person was met, where that customer was given up for another: her phone, card and codes find that one now.
ALTER TABLE identity ADD COLUMN met_as uuid;
CREATE INDEX identity_met_as ON identity (met_as) WHERE met_as IS NOT NULL;
