-- What a gateway held is looked for when it has restarted.
CREATE INDEX sessions_open_peer ON tolld.sessions (peer, session_id) WHERE closed_at IS NULL;
