-- The messages that have no outcome yet. A claim is committed before the provider is called; one whose time is over
-- without an outcome has died with its worker, and is never sent again.
CREATE TABLE outbox (
  message_id    uuid PRIMARY KEY,
  customer_id   uuid NOT NULL,
  template      text NOT NULL,
  planned_at    timestamptz NOT NULL,
  claimed_until timestamptz,
  correlation   text NOT NULL,
  causation     text NOT NULL,                    -- the event that planned it
  traceparent   text
);
CREATE INDEX outbox_waiting ON outbox (planned_at) WHERE claimed_until IS NULL;
CREATE INDEX outbox_claimed ON outbox (claimed_until) WHERE claimed_until IS NOT NULL;
