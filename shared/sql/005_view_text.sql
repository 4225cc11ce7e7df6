-- The texts that a service's views have had. A process at work on the views of one moves `kept_until`; a text that another
-- took the place of is not built again while a text that none took the place of is kept.

CREATE TABLE view_text (
  name       text,
  text_hash  text,
  retired_at timestamptz,                         -- when another took its place; null while none has
  kept_until timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (name, text_hash)
);
