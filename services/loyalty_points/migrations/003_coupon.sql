-- Offers, the coupons that customers have of them, and how many are out. No row is ever deleted.

CREATE TABLE coupon_offer (
  offer_id uuid PRIMARY KEY,
  code     text NOT NULL UNIQUE,
  number   int NOT NULL,                          -- the version that coupons are issued under now
  issued   bigint NOT NULL DEFAULT 0 CHECK (issued >= 0)   -- and were not voided
);

CREATE TABLE coupon_offer_version (
  offer_id uuid,
  number   int,
  terms    jsonb NOT NULL,
  PRIMARY KEY (offer_id, number)
);

CREATE TABLE coupon_taken (                       -- how many a customer has had, without those that were voided
  offer_id    uuid,
  customer_id uuid,
  taken       bigint NOT NULL CHECK (taken >= 0),
  PRIMARY KEY (offer_id, customer_id)
);

CREATE TABLE coupon (
  coupon_id     uuid PRIMARY KEY,
  customer_id   uuid NOT NULL,
  offer_id      uuid NOT NULL,
  offer_version int NOT NULL,
  issued_at     timestamptz NOT NULL,
  active_from   timestamptz NOT NULL,
  expires_at    timestamptz,                      -- null: never
  locked_by     uuid,                             -- a checkout's session; the lock may have lapsed
  locked_until  timestamptz,
  basket_id     uuid,                             -- that redeemed it
  ended         text,                             -- expired, voided
  is_open       boolean NOT NULL GENERATED ALWAYS AS (basket_id IS NULL AND ended IS NULL) STORED
);
CREATE INDEX coupon_of_customer ON coupon (customer_id, issued_at);
CREATE INDEX coupon_to_expire ON coupon (expires_at, coupon_id) WHERE is_open;
