-- How far the members have been looked at under the policy in force: a new version looks at all of them, once.
CREATE TABLE tier_review (
  one            boolean PRIMARY KEY DEFAULT true CHECK (one),
  policy_version bigint NOT NULL DEFAULT 0,
  after_id       uuid,                            -- the last customer looked at; null when there are no more
  CHECK (policy_version >= 0)
);
INSERT INTO tier_review DEFAULT VALUES;
