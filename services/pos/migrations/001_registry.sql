-- The chain as described, moved with its events. A till's counters move with what it sends.

CREATE TABLE chain (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  name     text NOT NULL,
  currency text NOT NULL
);

CREATE TABLE branch (
  branch text PRIMARY KEY,
  title  text NOT NULL,
  zone   text NOT NULL,
  region text NOT NULL
);

CREATE TABLE till (
  till         text PRIMARY KEY,
  branch       text NOT NULL REFERENCES branch,
  kind         text NOT NULL,
  high         bigint NOT NULL DEFAULT 0,         -- the highest number that came
  parked       bigint NOT NULL DEFAULT 0,
  flagged      boolean NOT NULL DEFAULT false,
  last_seen_at timestamptz
);
CREATE INDEX till_branch ON till (branch);

ALTER TABLE branch ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_the_branch ON branch
  USING ((SELECT string_to_array(current_setting('branchline.branch', true), ',')) && ARRAY[branch, '*']);
ALTER TABLE till ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_the_branch ON till
  USING ((SELECT string_to_array(current_setting('branchline.branch', true), ',')) && ARRAY[branch, '*']);
