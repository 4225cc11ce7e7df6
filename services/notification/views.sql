-- What became of each message.
CREATE TABLE messages (
  message_id  uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  template    text NOT NULL,
  status      text NOT NULL,
  planned_at  timestamptz NOT NULL,
  status_at   timestamptz NOT NULL,
  channel     text,
  receipt     text,
  code        text
);
CREATE INDEX messages_of ON messages (customer_id, planned_at);
