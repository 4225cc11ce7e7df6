-- A provider that sends nothing: what it was given, and how it shall behave. It keeps no address.
CREATE TABLE sandbox_sent (
  receipt      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  message_key  text NOT NULL,
  provider_key text UNIQUE,                       -- a provider with keys of its own takes each once
  body         text NOT NULL,
  sent_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sandbox_sent_of ON sandbox_sent (message_key);

CREATE TABLE sandbox_conduct (
  one          boolean PRIMARY KEY DEFAULT true CHECK (one),
  conduct      text NOT NULL CHECK (conduct IN ('takes', 'refuses', 'is-silent', 'takes-and-is-silent', 'breaks')),
  slow_seconds double precision NOT NULL DEFAULT 0
);
