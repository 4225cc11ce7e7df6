-- Two customers may be one: `customer_id` stays the id under which a thing came about, `owner` is whose account it is on.

ALTER TABLE receipt ADD COLUMN owner uuid;
UPDATE receipt SET owner = customer_id;
ALTER TABLE receipt ALTER COLUMN owner SET NOT NULL;
DROP INDEX receipt_in_order;
DROP INDEX receipt_by_time;
CREATE INDEX receipt_in_order ON receipt (owner, receipt_order);
CREATE INDEX receipt_by_time ON receipt (owner, sold_at);

ALTER TABLE lot ADD COLUMN owner uuid;
UPDATE lot SET owner = customer_id;
ALTER TABLE lot ALTER COLUMN owner SET NOT NULL, DROP CONSTRAINT lot_pkey, ADD PRIMARY KEY (owner, lot_id);
DROP INDEX lot_to_draw;
DROP INDEX lot_to_expire;
DROP INDEX lot_to_reclaim;
CREATE INDEX lot_to_draw ON lot (owner, expires_at, earned_at, lot_id) WHERE rest > 0;
CREATE INDEX lot_to_expire ON lot (expires_at, owner) WHERE rest > 0;
CREATE INDEX lot_to_reclaim ON lot (owner, expires_at) WHERE expired > 0;

-- ids that somebody else chose may be used once under each id of a customer's
ALTER TABLE hold ADD COLUMN owner uuid;
UPDATE hold SET owner = customer_id;
ALTER TABLE hold ALTER COLUMN owner SET NOT NULL, DROP CONSTRAINT hold_pkey,
  ADD PRIMARY KEY (owner, hold_id, customer_id);
DROP INDEX hold_open;
DROP INDEX hold_of_till;
CREATE INDEX hold_open ON hold (owner, until) WHERE ended IS NULL;
CREATE INDEX hold_of_till ON hold (owner, branch, till, until) WHERE till IS NOT NULL;

ALTER TABLE award ADD COLUMN owner uuid;
UPDATE award SET owner = customer_id;
ALTER TABLE award ALTER COLUMN owner SET NOT NULL, DROP CONSTRAINT award_pkey,
  ADD PRIMARY KEY (owner, act, act_id, customer_id);

ALTER TABLE reward_taken ADD COLUMN owner uuid;
UPDATE reward_taken SET owner = customer_id;
ALTER TABLE reward_taken ALTER COLUMN owner SET NOT NULL, DROP CONSTRAINT reward_taken_pkey,
  ADD PRIMARY KEY (owner, redemption_id, customer_id);
DROP INDEX reward_taken_by;
CREATE INDEX reward_taken_by ON reward_taken (owner, reward_id, taken_at) WHERE given_back_at IS NULL;

ALTER TABLE forgiving ADD COLUMN owner uuid;
UPDATE forgiving SET owner = customer_id;
ALTER TABLE forgiving ALTER COLUMN owner SET NOT NULL, DROP CONSTRAINT forgiving_pkey,
  ADD PRIMARY KEY (owner, forgiveness_id, customer_id);

ALTER TABLE coupon ADD COLUMN owner uuid;
UPDATE coupon SET owner = customer_id;
ALTER TABLE coupon ALTER COLUMN owner SET NOT NULL;
DROP INDEX coupon_of_customer;
CREATE INDEX coupon_of_customer ON coupon (owner, issued_at);

ALTER TABLE coupon_taken ADD COLUMN owner uuid;
UPDATE coupon_taken SET owner = customer_id;
ALTER TABLE coupon_taken ALTER COLUMN owner SET NOT NULL;
CREATE INDEX coupon_taken_by ON coupon_taken (owner, offer_id);

CREATE TABLE account_merge (                      -- what accounts passed on to others, and what went back
  merge_id    uuid PRIMARY KEY,
  customer_id uuid NOT NULL,                      -- who was given up
  into_id     uuid NOT NULL,
  merged_at   timestamptz NOT NULL,
  given       jsonb NOT NULL,                     -- the account
  given_back  jsonb
);
