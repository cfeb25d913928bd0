-- Why: each login wrote into eight indexes of its session, twice as much as the session itself.

-- An account's open sessions and those that ended lately, without going through all of years.
CREATE INDEX sessions_account_end ON tolld.sessions (account_id, closed_at);
DROP INDEX tolld.sessions_account, tolld.sessions_open;
-- Only Gy sessions are asked to come back when rates change.
CREATE INDEX sessions_open_gy ON tolld.sessions (tenant, session_id)
  WHERE closed_at IS NULL AND protocol = 'gy';
DROP INDEX tolld.sessions_open_tenant;
