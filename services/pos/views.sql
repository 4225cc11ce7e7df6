-- Receipts by branch and local day, with what was given back of each. `place` is the order in which they were closed.

CREATE TABLE receipts (
  sale_id        uuid PRIMARY KEY,
  branch         text NOT NULL,
  till           text NOT NULL,
  number         text NOT NULL,
  closed_at      timestamptz NOT NULL,
  closed_on      date NOT NULL,
  place          text COLLATE "C" NOT NULL,
  currency       text NOT NULL,
  lines          int NOT NULL,
  net_minor      bigint NOT NULL,
  refunded_minor bigint NOT NULL DEFAULT 0
);
CREATE INDEX receipts_by_day ON receipts (branch, closed_on, place);
CREATE INDEX receipts_by_place ON receipts (place);

ALTER TABLE receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE receipts FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_branch ON receipts USING (current_setting('branchline.branch', true) IN ('*', branch));
