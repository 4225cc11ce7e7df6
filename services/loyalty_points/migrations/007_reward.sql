-- Rewards that points buy, who took which, and which till a hold is the allowance of.

CREATE TABLE reward (                             -- what is on offer; its stock moves with redemptions, under this row
  reward_id uuid PRIMARY KEY,
  code      text NOT NULL UNIQUE,
  version   bigint NOT NULL,                      -- of the description
  described jsonb NOT NULL,
  withdrawn boolean NOT NULL DEFAULT false,
  stock     bigint NOT NULL DEFAULT 0 CHECK (stock >= 0)   -- means nothing where the reward is not counted
);

CREATE TABLE reward_taken (                       -- no row is ever deleted
  customer_id   uuid,
  redemption_id uuid,                             -- or the hold's
  reward_id     uuid NOT NULL REFERENCES reward,
  counted       boolean NOT NULL,                 -- it was one of a stock
  taken_at      timestamptz NOT NULL,
  given_back_at timestamptz,
  PRIMARY KEY (customer_id, redemption_id)
);
CREATE INDEX reward_taken_by ON reward_taken (customer_id, reward_id, taken_at) WHERE given_back_at IS NULL;

ALTER TABLE hold ADD COLUMN reward jsonb;         -- as the event names it
ALTER TABLE hold ADD COLUMN branch text;          -- of an allowance, or where it was spent
ALTER TABLE hold ADD COLUMN till text;
CREATE INDEX hold_of_till ON hold (customer_id, branch, till, until) WHERE till IS NOT NULL;
CREATE INDEX lot_to_reclaim ON lot (customer_id, expires_at) WHERE expired > 0;

ALTER TABLE hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_branch ON hold
  USING ((SELECT current_setting('branchline.branch', true)) IN (branch, '*') OR branch IS NULL);
