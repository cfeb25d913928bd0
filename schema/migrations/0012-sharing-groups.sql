-- Why: accounts may draw on another's buckets, and move to its partition for that.

CREATE TABLE tolld.sharing_groups (
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  id text COLLATE "C" NOT NULL,
  owner_account_id text COLLATE "C" NOT NULL REFERENCES tolld.accounts (id),
  -- What members may draw on, and when: order, scope, resources.
  definition jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'cancelled')),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, id)
);

-- The group that an account is a member of; null for none.
ALTER TABLE tolld.accounts
  ADD COLUMN sharing_group text COLLATE "C",
  -- Where the account is to be, while it is on its way there; null where it is there.
  ADD COLUMN target_partition smallint,
  ADD FOREIGN KEY (tenant, sharing_group) REFERENCES tolld.sharing_groups (tenant, id),
  -- The group names its owner.
  DROP COLUMN owner_account_id;
CREATE INDEX accounts_group ON tolld.accounts (tenant, sharing_group)
  WHERE sharing_group IS NOT NULL;

ALTER TABLE tolld.sharing_groups ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON tolld.sharing_groups USING (tolld.may_see(tenant));

ALTER FUNCTION tolld.grant_rights() RENAME TO grant_rights_before_sharing;
CREATE FUNCTION tolld.grant_rights() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT * FROM tolld.grant_rights_before_sharing();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tolld_manager') THEN
    GRANT INSERT, UPDATE ON tolld.sharing_groups TO tolld_manager;
  END IF;
END $$;
