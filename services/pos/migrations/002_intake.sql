-- What tills sent. (till, seq) is a natural key, kept for ever: it is the fence of what comes straight from Kafka, too.

CREATE TABLE till_item (
  till     text NOT NULL,
  seq      bigint NOT NULL,
  branch   text NOT NULL,
  hash     bytea NOT NULL,                        -- keyed, of the item as sent without its seq
  result   text NOT NULL,                         -- accepted, duplicate (of a receipt under another seq), parked
  code     text,
  facts    jsonb,
  sale_id  uuid,                                  -- of an accepted sale
  reused   boolean NOT NULL DEFAULT false,        -- its seq came again with other content
  taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (till, seq)
);
CREATE UNIQUE INDEX till_item_sale ON till_item (sale_id) WHERE sale_id IS NOT NULL;

CREATE TABLE till_gap (                           -- what is missing: pieces, each with the gap it is left of
  till      text NOT NULL,
  first     bigint NOT NULL,
  last      bigint NOT NULL CHECK (last >= first),
  branch    text NOT NULL,
  gap_first bigint NOT NULL,
  gap_last  bigint NOT NULL,
  PRIMARY KEY (till, first)
);
CREATE INDEX till_gap_gap ON till_gap (till, gap_first);

CREATE TABLE waiting_refund (                     -- refunds that came before their sale
  till         text NOT NULL,
  seq          bigint NOT NULL,
  branch       text NOT NULL,
  sale_id      uuid NOT NULL,
  hash         bytea NOT NULL,
  body         text NOT NULL,                     -- as sent, without its seq; names nobody
  waits_since  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (till, seq)
);
CREATE INDEX waiting_refund_sale ON waiting_refund (sale_id);

CREATE TABLE quarantine (                         -- what was set aside; the body is in the vault
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  branch    text,                                 -- null, as till, where none is known
  till      text,
  seq       bigint,
  hash      bytea NOT NULL,
  code      text NOT NULL,
  facts     jsonb NOT NULL,
  kept      uuid[] NOT NULL,                      -- the vault's references, in order
  parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE NULLS NOT DISTINCT (till, seq, hash)
);
CREATE INDEX quarantine_branch ON quarantine (branch, id);

ALTER TABLE till_item ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_the_branch ON till_item
  USING ((SELECT string_to_array(current_setting('branchline.branch', true), ',')) && ARRAY[branch, '*']);
ALTER TABLE till_gap ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_the_branch ON till_gap
  USING ((SELECT string_to_array(current_setting('branchline.branch', true), ',')) && ARRAY[branch, '*']);
ALTER TABLE waiting_refund ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_the_branch ON waiting_refund
  USING ((SELECT string_to_array(current_setting('branchline.branch', true), ',')) && ARRAY[branch, '*']);
ALTER TABLE quarantine ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_the_branch ON quarantine
  USING ((SELECT string_to_array(current_setting('branchline.branch', true), ',')) && ARRAY[branch, '*']);
