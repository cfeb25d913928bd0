-- Why: a tenant's rows stay the tenant's even where a query forgets to ask, and each part of the
-- daemon can do its own work and nothing else.

-- Rows are seen by what the transaction set: app.tenant is one tenant, several with commas, or '*'
-- for the system's own work. Nothing set sees nothing.
CREATE FUNCTION tolld.may_see(tenant text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT current_setting('app.tenant', true) = '*'
    OR tenant = ANY (string_to_array(current_setting('app.tenant', true), ','))
$$;

-- A table's owner and a superuser are not held back by policies: a daemon that logs in as one of
-- them takes on a role below (SET ROLE) for its work.
ALTER TABLE tolld.tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON tolld.tenants USING (tolld.may_see(id));

ALTER TABLE tolld.diameter_peers ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON tolld.diameter_peers USING (tenant IS NULL OR tolld.may_see(tenant))
  WITH CHECK (tolld.may_see(tenant) OR current_setting('app.tenant', true) = '*');

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['resources', 'tariffs', 'plans', 'customers', 'accounts',
    'subscriptions', 'identities', 'publications', 'intents', 'rated_events', 'ledger_entries',
    'account_events', 'account_states', 'buckets', 'sessions', 'notifications']
  LOOP
    EXECUTE format('ALTER TABLE tolld.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY by_tenant ON tolld.%I USING (tolld.may_see(tenant))', name);
  END LOOP;
END $$;

-- Makes the roles where it may and gives them their rights; run again after every migration.
-- Returns a line for whatever it could not do, with what an administrator can do about it.
--   tolld_flusher  writes the record of every tenant; can't change or remove a fact
--   tolld_manager  configuration, parties, intents; reads the record; held by app.tenant
--   tolld_reader   reads; held by app.tenant
CREATE FUNCTION tolld.grant_rights() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['tolld_flusher', 'tolld_manager', 'tolld_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', name);
      EXCEPTION
        WHEN insufficient_privilege THEN
          RETURN NEXT format('role %s is missing; as an administrator: CREATE ROLE %s; GRANT %s TO %I',
            name, name, name, current_user);
          RETURN;
        WHEN duplicate_object OR unique_violation THEN
          -- Roles belong to the server: a migration of another database was quicker.
          NULL;
      END;
    END IF;
    IF NOT pg_has_role(current_user, name, 'USAGE') THEN
      BEGIN
        EXECUTE format('GRANT %I TO CURRENT_USER', name);
      EXCEPTION WHEN insufficient_privilege THEN
        RETURN NEXT format('%I may not act as %s; as an administrator: GRANT %s TO %I',
          current_user, name, name, current_user);
      END;
    END IF;
  END LOOP;
  -- COPY goes past row-level security or not at all.
  IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'tolld_flusher') THEN
    BEGIN
      ALTER ROLE tolld_flusher BYPASSRLS;
    EXCEPTION WHEN insufficient_privilege THEN
      RETURN NEXT 'the flusher works with the rights of its login, since its role can''t pass '
        'row-level security; as an administrator: ALTER ROLE tolld_flusher BYPASSRLS';
    END;
  END IF;

  GRANT USAGE ON SCHEMA tolld TO tolld_flusher, tolld_manager, tolld_reader;
  GRANT SELECT ON ALL TABLES IN SCHEMA tolld TO tolld_flusher;
  GRANT SELECT ON tolld.installation, tolld.config_versions, tolld.archived_months
    TO tolld_manager, tolld_reader;
  -- Not the partitions by themselves: policies hold where a query names the whole table.
  FOR name IN
    SELECT relname FROM pg_class
    WHERE relnamespace = 'tolld'::regnamespace AND relrowsecurity AND NOT relispartition
  LOOP
    EXECUTE format('GRANT SELECT ON tolld.%I TO tolld_manager, tolld_reader', name);
  END LOOP;

  GRANT INSERT ON tolld.rated_events, tolld.ledger_entries, tolld.account_events,
    tolld.account_states, tolld.buckets, tolld.sessions, tolld.notifications,
    tolld.flush_offsets, tolld.flush_leases, tolld.flushers, tolld.quarantined_events
    TO tolld_flusher;
  GRANT UPDATE ON tolld.account_states, tolld.buckets, tolld.sessions, tolld.flush_offsets,
    tolld.flush_leases, tolld.flushers, tolld.quarantined_events TO tolld_flusher;
  GRANT DELETE ON tolld.flushers TO tolld_flusher;
  GRANT UPDATE (state, refusal, settled_at, applied_sequence) ON tolld.intents TO tolld_flusher;

  GRANT INSERT, UPDATE ON tolld.installation, tolld.tenants, tolld.resources, tolld.tariffs,
    tolld.plans, tolld.config_versions, tolld.customers, tolld.accounts, tolld.subscriptions,
    tolld.identities, tolld.diameter_peers, tolld.publications, tolld.intents
    TO tolld_manager;
  GRANT UPDATE (state, attempts, settled_at) ON tolld.notifications TO tolld_manager;
  GRANT UPDATE (imsi, msisdn, user_name, mac, address, called_party)
    ON tolld.rated_events, tolld.sessions TO tolld_manager;

  REVOKE EXECUTE ON FUNCTION tolld.create_month(text, date), tolld.create_months(integer)
    FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION tolld.create_month(text, date), tolld.create_months(integer)
    TO tolld_flusher;
END $$;
