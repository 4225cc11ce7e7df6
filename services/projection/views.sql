-- What headquarters knows, worked out from what four services say. Money is minor units, days are the branch's own, times UTC.
-- Rows add up or are keyed by what they are about, so that neither the order between services nor between partitions matters.
-- Tables with a branch are under row security: the setting branchline.branch names the one that is seen, * all, none nothing.

CREATE TABLE chain (
  one          boolean PRIMARY KEY DEFAULT true CHECK (one),
  name         text NOT NULL,
  currency     text NOT NULL,
  described_at timestamptz NOT NULL
);

CREATE TABLE branch (
  branch       text PRIMARY KEY,
  title        text NOT NULL,
  zone         text NOT NULL,
  region       text NOT NULL,
  described_at timestamptz NOT NULL
);

CREATE TABLE till (
  till          text PRIMARY KEY,
  branch        text NOT NULL,
  missing       int8multirange NOT NULL DEFAULT '{}',   -- sequence numbers that have not come yet
  missing_since timestamptz
);

CREATE TABLE till_fault (
  id     text PRIMARY KEY,                              -- the event that told it
  branch text NOT NULL,
  till   text NOT NULL,
  kind   text NOT NULL,                                 -- flagged: a number used twice; parked: an item set aside
  seq    bigint,
  code   text NOT NULL,
  at     timestamptz NOT NULL
);
CREATE INDEX till_fault_at ON till_fault (at DESC, id);

CREATE TABLE receipt_day (
  branch         text,
  day            date,
  receipts       bigint NOT NULL,
  lines          bigint NOT NULL,
  gross_minor    bigint NOT NULL,                       -- net of sales, before refunds
  refunded_minor bigint NOT NULL,                       -- given back on this day, whenever it was sold
  check_ins      bigint NOT NULL,
  PRIMARY KEY (branch, day)
) WITH (fillfactor = 50);
CREATE INDEX receipt_day_day ON receipt_day (day);

CREATE TABLE receipt_hour (
  branch         text,
  day            date,
  hour           smallint,                              -- on the branch's clock
  receipts       bigint NOT NULL,
  gross_minor    bigint NOT NULL,
  refunded_minor bigint NOT NULL,
  PRIMARY KEY (branch, day, hour)
) WITH (fillfactor = 50);

CREATE TABLE sale (
  sale_id        uuid PRIMARY KEY,
  branch         text NOT NULL,
  day            date NOT NULL,
  at             timestamptz NOT NULL,
  zone           text NOT NULL,
  number         text NOT NULL,
  title          text NOT NULL,                         -- what its first line sold
  lines          int NOT NULL,
  customers      int NOT NULL,
  net_minor      bigint NOT NULL,
  refunded_minor bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 90);
CREATE INDEX sale_latest ON sale (branch, day, at DESC);

CREATE TABLE customer_day (
  branch         text,
  day            date,
  customer_id    uuid,
  receipts       int NOT NULL,
  check_ins      int NOT NULL,
  gross_minor    bigint NOT NULL,                       -- the customer's own lines
  refunded_minor bigint NOT NULL,
  first_at       timestamptz,
  last_at        timestamptz,
  PRIMARY KEY (branch, day, customer_id)
) WITH (fillfactor = 90);
CREATE INDEX customer_day_customer ON customer_day (customer_id, day);
CREATE INDEX customer_day_day ON customer_day (day);

CREATE TABLE points_day (
  branch     text,
  day        date,                                      -- of the receipt that earned, also for what was spent of it
  earned     bigint NOT NULL,
  taken_back bigint NOT NULL,
  redeemed   bigint NOT NULL,
  expired    bigint NOT NULL,
  PRIMARY KEY (branch, day)
) WITH (fillfactor = 50);

CREATE TABLE member (
  customer_id  uuid PRIMARY KEY,
  branch       text NOT NULL,                           -- where the joining receipt was made
  joined_at    timestamptz NOT NULL,
  joined_order text NOT NULL
);
CREATE INDEX member_joined ON member (joined_at);

CREATE TABLE customer (                                 -- what holds in every branch alike
  customer_id   uuid PRIMARY KEY,
  registered_at timestamptz,
  member_since  timestamptz,
  tier          text,
  tier_at       timestamptz,
  balance       bigint NOT NULL DEFAULT 0,              -- this, pending and debt stand after her last entry
  pending       bigint NOT NULL DEFAULT 0,
  debt          bigint NOT NULL DEFAULT 0,
  earned        bigint NOT NULL DEFAULT 0,
  taken_back    bigint NOT NULL DEFAULT 0,
  redeemed      bigint NOT NULL DEFAULT 0,
  expired       bigint NOT NULL DEFAULT 0,
  merged_into   uuid                                    -- she was given up for that one, whose page is hers
) WITH (fillfactor = 80);
CREATE INDEX customer_merged ON customer (merged_into) WHERE merged_into IS NOT NULL;

-- ids under which somebody is a member again, since two of hers had joined before it was known that they are one
CREATE VIEW joined_again AS
WITH RECURSIVE led (customer_id, person) AS (
  SELECT customer_id, merged_into FROM customer WHERE merged_into IS NOT NULL
  UNION SELECT led.customer_id, c.merged_into FROM led JOIN customer c ON c.customer_id = led.person
  WHERE c.merged_into IS NOT NULL
), last AS (
  SELECT led.* FROM led LEFT JOIN customer c ON c.customer_id = led.person WHERE c.merged_into IS NULL
), hers AS (
  SELECT customer_id, person FROM last UNION SELECT person, person FROM last
)
SELECT customer_id FROM (
  SELECT customer_id, row_number() OVER (PARTITION BY person ORDER BY member_since, customer_id) AS time
  FROM hers JOIN customer USING (customer_id) WHERE member_since IS NOT NULL
) AS joined WHERE time > 1;

CREATE TABLE message (
  message_id  uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  template    text NOT NULL,
  outcome     text NOT NULL,                            -- sent, failed, unknown
  channel     text,
  code        text,
  at          timestamptz NOT NULL
);
CREATE INDEX message_customer ON message (customer_id, at DESC);

CREATE TABLE heard (
  speaker            text PRIMARY KEY,
  events             bigint NOT NULL,
  newest_at          timestamptz NOT NULL,              -- by the branch's clock
  newest_recorded_at timestamptz                        -- by the speaker's database
) WITH (fillfactor = 50);

DO $guard$
DECLARE owned text;
BEGIN
  FOREACH owned IN ARRAY ARRAY['branch', 'till', 'till_fault', 'receipt_day', 'receipt_hour', 'sale', 'customer_day',
                               'points_day', 'member'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', owned);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', owned);
    EXECUTE format($$CREATE POLICY own_branch ON %I
                     USING ((SELECT current_setting('branchline.branch', true)) IN (branch, '*'))$$, owned);
  END LOOP;
END $guard$;
