-- A hold, redemption or spending has its id alone: where two customers turn out to be one, an id still names one thing.
ALTER TABLE hold DROP CONSTRAINT hold_pkey, ADD PRIMARY KEY (hold_id);
ALTER TABLE reward_taken DROP CONSTRAINT reward_taken_pkey, ADD PRIMARY KEY (redemption_id);
