-- Since when a customer is of which tier, as membership has said it; of two at one instant the later name holds.
CREATE TABLE tier (
  customer_id uuid,
  from_at     timestamptz,
  tier        text COLLATE "C",
  PRIMARY KEY (customer_id, from_at, tier)
);
