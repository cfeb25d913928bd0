-- Why: when what sessions are rated by changes, those under way are asked to come back, a number of
-- them each second; who does so may be stopped at any moment, and others go on.
CREATE TABLE tolld.rate_changes (
  config_version bigint NOT NULL REFERENCES tolld.config_versions (version),
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  -- Codes of what differs from the version before.
  tariffs text[] NOT NULL,
  plans text[] NOT NULL,
  -- The last session that was asked.
  after_session text COLLATE "C" NOT NULL DEFAULT '',
  -- By the first time every process rates by the new version, and the record knows the sessions.
  next_at timestamptz NOT NULL DEFAULT now() + interval '5 seconds',
  asked bigint NOT NULL DEFAULT 0,
  finished_at timestamptz,
  PRIMARY KEY (config_version, tenant)
);
CREATE INDEX rate_changes_open ON tolld.rate_changes (next_at) WHERE finished_at IS NULL;
CREATE INDEX sessions_open_tenant ON tolld.sessions (tenant, session_id) WHERE closed_at IS NULL;

ALTER TABLE tolld.rate_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON tolld.rate_changes USING (tolld.may_see(tenant));

ALTER FUNCTION tolld.grant_rights() RENAME TO grant_rights_before_rate_changes;
CREATE FUNCTION tolld.grant_rights() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT * FROM tolld.grant_rights_before_rate_changes();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tolld_manager') THEN
    GRANT INSERT, UPDATE ON tolld.rate_changes TO tolld_manager;
  END IF;
END $$;
