-- The lots of points, what is put by of them, and when customers hear of their end. No row is ever deleted.

CREATE TABLE lot (                                -- what one earning gave
  customer_id    uuid,
  lot_id         uuid,                            -- of its source: the same source earns once for ever
  source         text NOT NULL,
  branch         text NOT NULL,
  earned_on      date NOT NULL,                   -- the branch's local day
  earned_at      timestamptz NOT NULL,
  policy_version bigint NOT NULL,
  active_from    timestamptz,                     -- null: at once
  expires_at     timestamptz,                     -- null: never
  points         bigint NOT NULL,
  repaid         bigint NOT NULL CHECK (repaid >= 0),
  drawn          bigint NOT NULL DEFAULT 0 CHECK (drawn >= 0),       -- held or spent
  taken_back     bigint NOT NULL DEFAULT 0 CHECK (taken_back >= 0),
  expired        bigint NOT NULL DEFAULT 0 CHECK (expired >= 0),
  rest           bigint NOT NULL GENERATED ALWAYS AS (points - repaid - drawn - taken_back - expired) STORED CHECK (rest >= 0),
  PRIMARY KEY (customer_id, lot_id)
);
CREATE INDEX lot_to_draw ON lot (customer_id, expires_at, earned_at, lot_id) WHERE rest > 0;
CREATE INDEX lot_to_expire ON lot (expires_at, customer_id) WHERE rest > 0;

ALTER TABLE lot ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_branch ON lot USING ((SELECT current_setting('branchline.branch', true)) IN (branch, '*'));

CREATE TABLE hold (                               -- points put by; a redemption at the desk is one that had no time
  customer_id uuid,
  hold_id     uuid,
  points      bigint NOT NULL,
  held_at     timestamptz NOT NULL,
  until       timestamptz,
  lots        jsonb NOT NULL,                     -- as the event names them
  ended       text,                               -- captured, released, lapsed
  captured    bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (customer_id, hold_id)
);
CREATE INDEX hold_open ON hold (customer_id, until) WHERE ended IS NULL;

CREATE TABLE expiry (                             -- an instant at which points of a customer expire
  customer_id uuid,
  expires_at  timestamptz,
  notices     int[] NOT NULL,                     -- on how many days before it has yet to be said, descending
  notice_at   timestamptz,                        -- when the first of them is due
  PRIMARY KEY (customer_id, expires_at)
);
CREATE INDEX expiry_to_notice ON expiry (notice_at) WHERE notice_at IS NOT NULL;
