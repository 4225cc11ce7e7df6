CREATE TABLE counters (id uuid PRIMARY KEY, total int NOT NULL, branch text NOT NULL);
ALTER TABLE counters ENABLE ROW LEVEL SECURITY;
ALTER TABLE counters FORCE ROW LEVEL SECURITY;
CREATE POLICY own_branch ON counters USING (current_setting('branchline.branch', true) IN ('*', branch));
CREATE VIEW full_counters AS SELECT id, total FROM counters WHERE total > 0;
