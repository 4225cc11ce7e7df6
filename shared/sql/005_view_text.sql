-- The texts that a service's views have had, which of them another took the place of, and until when each counts as there:
-- its processes, at work or aside, move `kept_until`.

CREATE TABLE view_text (
  name       text,
  text_hash  text,
  retired_at timestamptz,                         -- when another took its place; null while none has
  kept_until timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (name, text_hash)
);
