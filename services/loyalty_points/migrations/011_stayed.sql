-- How often splits divided a lot, so that this is what stayed of it with whoever had drawn on it: where parts come
-- together again, whose lot it was holds.
ALTER TABLE lot ADD COLUMN stayed int NOT NULL DEFAULT 0;
