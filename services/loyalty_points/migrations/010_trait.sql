-- Since when something holds of a customer, as membership has said it: her tier, the month of her birthday (two digits).
-- Of two of one kind at one instant the later value holds.
CREATE TABLE trait (
  customer_id uuid,
  kind        text COLLATE "C",
  from_at     timestamptz,
  value       text COLLATE "C",
  PRIMARY KEY (customer_id, kind, from_at, value)
);
INSERT INTO trait (customer_id, kind, from_at, value) SELECT customer_id, 'tier', from_at, tier FROM tier;
DROP TABLE tier;
