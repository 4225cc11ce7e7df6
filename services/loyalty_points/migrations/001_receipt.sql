-- Every receipt of a customer, member or not: a membership that is heard later, or starts earlier, finds them here.
-- The row is the natural key by which a receipt earns once for ever; it is never deleted.
CREATE TABLE receipt (
  customer_id     uuid,
  sale_id         uuid,
  branch          text NOT NULL,
  zone            text NOT NULL,                  -- the branch's
  sold_on         date NOT NULL,                  -- the branch's local day
  sold_at         timestamptz NOT NULL,
  receipt_order   text COLLATE "C" NOT NULL,      -- compares byte by byte, as the rules do
  net_minor       bigint NOT NULL,
  lines           jsonb NOT NULL,                 -- line number -> what refunds have left of it
  refunded_at     timestamptz,
  terms           jsonb NOT NULL,                 -- of its time
  policy_version  bigint NOT NULL,
  PRIMARY KEY (customer_id, sale_id)
);
CREATE INDEX receipt_in_order ON receipt (customer_id, receipt_order);

ALTER TABLE receipt ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_branch ON receipt USING ((SELECT current_setting('branchline.branch', true)) IN (branch, '*'));
