-- The acts of customers that have earned: each once for ever, and so often within a period.
CREATE TABLE award (
  customer_id uuid,
  act         text,
  act_id      text,
  branch      text NOT NULL,
  awarded_on  date NOT NULL,                      -- the branch's local day
  PRIMARY KEY (customer_id, act, act_id)
);

ALTER TABLE award ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_branch ON award USING ((SELECT current_setting('branchline.branch', true)) IN (branch, '*'));
