-- Personal data, every field encrypted under a key of its person, whose row is its only copy: without it nothing can be
-- read again. An erased person has no data_key and no identity, but keeps the row that says so.

CREATE TABLE data_key (                           -- of persons and kept texts; backed up apart, for a short time
  subject uuid PRIMARY KEY,
  wrapped bytea NOT NULL,                         -- under the master key of that number
  master  smallint NOT NULL
);

CREATE TABLE person (
  customer_id uuid PRIMARY KEY,
  phone       bytea,
  full_name   bytea,
  known_since timestamptz NOT NULL DEFAULT clock_timestamp(),
  erased_at   timestamptz
);

CREATE TABLE identity (                           -- how a person is found: a keyed hash of phone, card or client code
  digest      bytea PRIMARY KEY,
  customer_id uuid NOT NULL REFERENCES person
);
CREATE INDEX identity_of ON identity (customer_id);

CREATE TABLE kept_text (
  reference uuid PRIMARY KEY,
  digest    bytea NOT NULL UNIQUE,                -- keyed hash of the caller's own key for it
  body      bytea NOT NULL
);

CREATE TABLE reveal_audit (                       -- who read what of whom, and why
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor   text NOT NULL,
  purpose text NOT NULL,
  subject uuid NOT NULL,
  field   text NOT NULL
);
CREATE INDEX reveal_audit_of ON reveal_audit (subject, at);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was revealed stays on record' USING ERRCODE = 'BL403';
END $$;
CREATE TRIGGER reveal_audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reveal_audit
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
