-- Why: buckets stay exact though an entry is refused, so a replay must know what was applied then.

ALTER TABLE tolld.quarantined_events
  ADD COLUMN balances_applied boolean NOT NULL DEFAULT false;
