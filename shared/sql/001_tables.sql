-- The kernel's tables, identical in every service's schema. Times are timestamptz, numbers count from 1.
-- A public event has a partition, decided when it is written; a private one has none.

CREATE TABLE stream (
  id            uuid PRIMARY KEY,
  category      text NOT NULL,
  partition_key uuid NOT NULL,                    -- the Kafka key, fixed at birth: the customer, else the stream
  version       int NOT NULL CHECK (version > 0),
  shape         smallint NOT NULL,                -- form of state; another one is folded again from events
  state         jsonb NOT NULL                    -- the folded state, written by the UPDATE that moves the version
) WITH (fillfactor = 80);

CREATE TABLE event (
  seq         bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
  tx          xid8 NOT NULL DEFAULT pg_current_xact_id(),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  occurred_at timestamptz NOT NULL,               -- the branch's clock
  stream_id   uuid NOT NULL,
  part        smallint,
  version     int NOT NULL,
  shape       smallint NOT NULL,                  -- schema version of data
  type        text NOT NULL,
  data        jsonb NOT NULL,
  meta        jsonb NOT NULL,                     -- correlation, causation, traceparent, actor
  UNIQUE (stream_id, version)
);
CREATE INDEX event_tx ON event (tx, seq);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events are never changed or deleted' USING ERRCODE = 'BL403';
END $$;
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE command_done (
  id        uuid PRIMARY KEY,                     -- of route, caller and Idempotency-Key
  done_on   date NOT NULL DEFAULT current_date,
  body_hash bytea NOT NULL,
  result    jsonb NOT NULL
);
CREATE INDEX command_done_on ON command_done (done_on);

CREATE TABLE once (key uuid PRIMARY KEY);         -- what happens once for ever; never pruned

CREATE TABLE refused (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cause   text NOT NULL,                          -- id of the event that led to the command
  command jsonb NOT NULL,
  code    text NOT NULL,
  facts   jsonb NOT NULL,
  at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE feed_head (
  one         boolean PRIMARY KEY DEFAULT true CHECK (one),
  partitions  smallint NOT NULL,                  -- of this service's topic, fixed at birth
  epoch       bigint NOT NULL DEFAULT 1,
  number      bigint NOT NULL DEFAULT 0,
  seen        pg_snapshot NOT NULL,
  floor_seq   bigint NOT NULL DEFAULT 0,
  last_public jsonb NOT NULL DEFAULT '{}',        -- partition -> [epoch, number] of its last public event
  system_id   bigint NOT NULL,
  timeline    int NOT NULL
);

CREATE TABLE feed (
  number      bigint PRIMARY KEY,
  epoch       bigint NOT NULL,
  seq         bigint NOT NULL UNIQUE,
  part        smallint,
  prev_epoch  bigint,                             -- position of the public event before it in its partition;
  prev_number bigint                              -- (0, 0) for the first, null for a private event
);
CREATE INDEX feed_part ON feed (part, number) WHERE part IS NOT NULL;

CREATE TABLE relay_cursor (
  relay       text PRIMARY KEY,
  leader      bigint NOT NULL DEFAULT 0,
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  number      bigint NOT NULL DEFAULT 0,          -- last feed number that Kafka has acknowledged
  moved_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE consumed (
  consumer    text,
  topic       text,
  part        smallint,
  epoch       bigint NOT NULL,                    -- position of the last event applied
  number      bigint NOT NULL,
  next_offset bigint NOT NULL,
  applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, topic, part)
);

CREATE TABLE parked_key (
  consumer      text,
  topic         text,
  partition_key text,
  since         timestamptz NOT NULL DEFAULT clock_timestamp(),
  cause         text NOT NULL,
  PRIMARY KEY (consumer, topic, partition_key)
);

CREATE TABLE halted (                             -- consumers that stopped: too many keys would have been parked
  consumer text,
  topic    text,
  since    timestamptz NOT NULL DEFAULT clock_timestamp(),
  cause    text NOT NULL,
  PRIMARY KEY (consumer, topic)
);

CREATE TABLE dead_letter (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer      text NOT NULL,
  topic         text NOT NULL,
  part          smallint NOT NULL,
  partition_key text NOT NULL,
  epoch         bigint NOT NULL,
  number        bigint NOT NULL,
  recorded_at   timestamptz NOT NULL,
  headers       jsonb NOT NULL,
  body          bytea NOT NULL,
  error         text NOT NULL,
  tries         int NOT NULL DEFAULT 1,
  at            timestamptz NOT NULL DEFAULT clock_timestamp(),
  redriven_at   timestamptz,
  UNIQUE (consumer, topic, part, epoch, number)
);
CREATE INDEX dead_letter_waiting ON dead_letter (consumer, topic, partition_key, id) WHERE redriven_at IS NULL;

CREATE TABLE set_aside (                          -- records on a service's topic that are not the service's
  consumer text,
  topic    text,
  part     smallint,
  at_offset bigint,
  key      bytea,
  headers  jsonb NOT NULL,
  body     bytea,
  reason   text NOT NULL,
  at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, topic, part, at_offset)
);

CREATE TABLE timer (
  id        uuid PRIMARY KEY,
  due_at    timestamptz NOT NULL,
  stream_id uuid NOT NULL,
  type      text NOT NULL,                        -- the command's class
  command   jsonb NOT NULL,
  tries     int NOT NULL DEFAULT 0,
  next_try_at timestamptz NOT NULL DEFAULT '-infinity',
  fired_at  timestamptz,
  parked_at timestamptz,
  error     text
);
CREATE INDEX timer_due ON timer (due_at) WHERE fired_at IS NULL AND parked_at IS NULL;
CREATE INDEX timer_stream ON timer (stream_id, due_at) WHERE fired_at IS NULL;

CREATE TABLE view_set (                           -- a service's views: which text of views.sql is live, and how far each has read
  name     text,
  text_hash text,
  live     boolean NOT NULL,
  number   bigint NOT NULL DEFAULT 0,             -- last feed number projected (own feed)
  moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (name, text_hash)
);
