ALTER TABLE person ADD COLUMN birthday bytea;     -- month and day, as 02-29
