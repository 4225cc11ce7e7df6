-- Debts that were let go, by one person alone or by two. No row is ever deleted.
CREATE TABLE forgiving (
  customer_id    uuid,
  forgiveness_id uuid,
  points         bigint NOT NULL,                 -- as asked
  reason         text NOT NULL,
  asked_by       text,                            -- whose token it was; null: nobody had to be asked
  until          timestamptz,                     -- when the request lapses
  how            text,                            -- forgiven, declined; null: it waits, or has lapsed
  forgiven       bigint NOT NULL DEFAULT 0,
  told_at        timestamptz NOT NULL,
  PRIMARY KEY (customer_id, forgiveness_id)
);
