-- Why: subscribers of one account may be rated by different tariffs.

-- Null: the account's.
ALTER TABLE tolld.subscriptions ADD COLUMN tariff text COLLATE "C";
