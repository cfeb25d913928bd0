-- Why: what an account's buckets hold changes with every event; in the account's own row that is one
-- narrow update for each account and batch, where a row for each bucket cost as much as the event.

ALTER TABLE tolld.account_states
  -- {"bucket": what it holds, reservations included}. A bucket that ended with nothing is left out.
  ADD COLUMN balances jsonb NOT NULL DEFAULT '{}';
-- Fifty buckets still fit into the row itself.
ALTER TABLE tolld.account_states SET (toast_tuple_target = 8160);

-- What is left here is what was granted, and under which terms.
ALTER TABLE tolld.buckets
  DROP COLUMN remaining,
  DROP COLUMN credited,
  DROP COLUMN debited,
  DROP COLUMN expired,
  DROP COLUMN last_sequence,
  DROP COLUMN last_at;
ALTER TABLE tolld.buckets RESET (fillfactor);

CREATE VIEW tolld.bucket_balances WITH (security_invoker = true) AS
  SELECT b.*, coalesce((s.balances ->> b.bucket_id)::bigint, 0) AS remaining
  FROM tolld.buckets b JOIN tolld.account_states s USING (account_id);

-- An entry in quarantine is in the balances whatever became of its rows.
ALTER TABLE tolld.quarantined_events DROP COLUMN balances_applied;

-- What a later migration adds to the rights goes around what was there.
ALTER FUNCTION tolld.grant_rights() RENAME TO grant_table_rights;
CREATE FUNCTION tolld.grant_rights() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT * FROM tolld.grant_table_rights();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tolld_reader') THEN
    GRANT SELECT ON tolld.bucket_balances TO tolld_flusher, tolld_manager, tolld_reader;
  END IF;
END $$;
