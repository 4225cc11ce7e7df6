-- What is owed to customers by branch and month of earning, and what branches owe each other, in points.

CREATE TABLE liability (
  branch      text,                               -- that gave the points
  month       date,                               -- its first day; of the branch's local day of earning
  earned      bigint NOT NULL,
  repaid      bigint NOT NULL,                    -- settled a debt
  taken_back  bigint NOT NULL,                    -- of lots, which may be another receipt's: what became debt is not
  redeemed    bigint NOT NULL,
  expired     bigint NOT NULL,
  held        bigint NOT NULL,                    -- put by, and outstanding
  outstanding bigint NOT NULL GENERATED ALWAYS AS (earned - repaid - taken_back - redeemed - expired) STORED,
  PRIMARY KEY (branch, month)
);

CREATE TABLE owed_between (                       -- points that were earned at one branch and spent at another
  payer  text,                                    -- where they were earned
  payee  text,                                    -- where they were spent
  month  date,                                    -- its first day; in which they were spent, UTC
  points bigint NOT NULL,
  PRIMARY KEY (payer, payee, month)
);

ALTER TABLE liability ENABLE ROW LEVEL SECURITY;
ALTER TABLE liability FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_branch ON liability USING (current_setting('branchline.branch', true) IN ('*', branch));

ALTER TABLE owed_between ENABLE ROW LEVEL SECURITY;
ALTER TABLE owed_between FORCE ROW LEVEL SECURITY;
CREATE POLICY of_either_branch ON owed_between
  USING (current_setting('branchline.branch', true) IN ('*', payer, payee));
