-- Why: who may ask by RADIUS, what network access gives, and how subscribers prove who they are.

-- Secrets in these tables are sealed with keys that Postgres never sees.
CREATE TABLE tolld.nas (
  name text COLLATE "C" PRIMARY KEY,
  -- Null where it carries the traffic of several tenants.
  tenant text COLLATE "C" REFERENCES tolld.tenants (id),
  definition jsonb NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- One installation gives an address once, whichever tenant's session has it.
CREATE TABLE tolld.address_pools (
  code text COLLATE "C" PRIMARY KEY,
  definition jsonb NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tolld.access_plans (
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  code text COLLATE "C" NOT NULL,
  definition jsonb NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, code)
);

-- How the subscriber comes in over RADIUS; null: not at all.
ALTER TABLE tolld.subscriptions ADD COLUMN access jsonb;

ALTER TABLE tolld.nas ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON tolld.nas USING (tenant IS NULL OR tolld.may_see(tenant))
  WITH CHECK (tolld.may_see(tenant) OR current_setting('app.tenant', true) = '*');
ALTER TABLE tolld.address_pools ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_installation ON tolld.address_pools USING (true)
  WITH CHECK (current_setting('app.tenant', true) = '*');
ALTER TABLE tolld.access_plans ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON tolld.access_plans USING (tolld.may_see(tenant));

ALTER FUNCTION tolld.grant_rights() RENAME TO grant_rights_before_access;
CREATE FUNCTION tolld.grant_rights() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT * FROM tolld.grant_rights_before_access();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tolld_manager') THEN
    GRANT INSERT, UPDATE ON tolld.nas, tolld.address_pools, tolld.access_plans TO tolld_manager;
  END IF;
END $$;
