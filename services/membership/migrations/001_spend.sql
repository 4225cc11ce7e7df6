-- What each receipt is worth to a customer: a tier is the sum of a window of these rows.
CREATE TABLE spend (
  customer_id uuid,
  sale_id     uuid,
  sold_at     timestamptz NOT NULL,
  lines       jsonb NOT NULL,                     -- line number -> what refunds have left of it
  left_minor  bigint NOT NULL,                    -- the sum of lines
  PRIMARY KEY (customer_id, sale_id)
);
CREATE INDEX spend_by_time ON spend (customer_id, sold_at);
