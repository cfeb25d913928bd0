-- Why: who is charged, how the network names them, and which peers may speak for it.

CREATE TABLE tolld.customers (
  id text COLLATE "C" PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  moniker text COLLATE "C",
  external_id text COLLATE "C",
  -- Personal: nullable, so that they can be erased.
  name text,
  first_name text,
  last_name text,
  email text,
  phone text,
  state text NOT NULL DEFAULT 'active'
    CHECK (state IN ('pending', 'active', 'inactive', 'closed', 'purged')),
  standing text NOT NULL DEFAULT 'good'
    CHECK (standing IN ('good', 'grace', 'limited', 'suspended', 'blocked', 'exceeded')),
  custom jsonb NOT NULL DEFAULT '{}',
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant, moniker),
  UNIQUE (tenant, external_id)
);

-- One balance group: what a charging decision reads and writes.
CREATE TABLE tolld.accounts (
  id text COLLATE "C" PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  customer_id text COLLATE "C" REFERENCES tolld.customers (id),
  external_id text COLLATE "C",
  partition smallint NOT NULL,
  -- The sharing group's owner, in the same partition.
  owner_account_id text COLLATE "C" REFERENCES tolld.accounts (id),
  tariff text COLLATE "C",
  standing text NOT NULL DEFAULT 'active' CHECK (standing IN ('active', 'suspended', 'closed')),
  -- Raised by every change that a cached profile must not survive.
  profile_version bigint NOT NULL DEFAULT 1,
  -- Number of the newest intent; the next takes one more in the same transaction.
  last_intent bigint NOT NULL DEFAULT 0,
  definition jsonb NOT NULL DEFAULT '{}',
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant, external_id)
);
CREATE INDEX accounts_customer ON tolld.accounts (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX accounts_owner ON tolld.accounts (owner_account_id)
  WHERE owner_account_id IS NOT NULL;
CREATE INDEX accounts_tenant ON tolld.accounts (tenant, id);

CREATE TABLE tolld.subscriptions (
  id text COLLATE "C" PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  customer_id text COLLATE "C" REFERENCES tolld.customers (id),
  account_id text COLLATE "C" NOT NULL REFERENCES tolld.accounts (id),
  external_id text COLLATE "C",
  plan text COLLATE "C",
  plan_revision integer,
  state text NOT NULL DEFAULT 'active'
    CHECK (state IN ('pending', 'active', 'suspended', 'cancelled', 'closed')),
  starts_at timestamptz,
  ends_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant, external_id)
);
CREATE INDEX subscriptions_account ON tolld.subscriptions (account_id);
CREATE INDEX subscriptions_customer ON tolld.subscriptions (customer_id)
  WHERE customer_id IS NOT NULL;

-- How the network names a subscriber.
CREATE TABLE tolld.identities (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  account_id text COLLATE "C" NOT NULL REFERENCES tolld.accounts (id),
  subscription_id text COLLATE "C" REFERENCES tolld.subscriptions (id),
  network_scope text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  service_type text COLLATE "C" NOT NULL DEFAULT '*',
  -- Personal: erased by setting it to null once the identity is released.
  value text COLLATE "C",
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'inactive', 'released')),
  quarantine_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (value IS NOT NULL OR state = 'released')
);
CREATE UNIQUE INDEX identities_in_use
  ON tolld.identities (network_scope, kind, service_type, value) WHERE state <> 'released';
CREATE INDEX identities_value ON tolld.identities (value, kind) WHERE value IS NOT NULL;
CREATE INDEX identities_account ON tolld.identities (account_id);

CREATE TABLE tolld.diameter_peers (
  name text COLLATE "C" PRIMARY KEY,
  -- Null where the peer carries the traffic of several tenants.
  tenant text COLLATE "C" REFERENCES tolld.tenants (id),
  -- Null admits every host of the realm.
  origin_host text COLLATE "C" UNIQUE,
  origin_realm text COLLATE "C" NOT NULL,
  network_scope text COLLATE "C" NOT NULL,
  definition jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What must reach Redis besides the configuration: a profile, a standing. Written with the change.
CREATE TABLE tolld.publications (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz
);
CREATE INDEX publications_unpublished ON tolld.publications (number) WHERE published_at IS NULL;

-- A change of balance that was asked for: durable before it is applied, applied in the order of its
-- numbers, confirmed by its event.
CREATE TABLE tolld.intents (
  id text COLLATE "C" PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  account_id text COLLATE "C" NOT NULL REFERENCES tolld.accounts (id),
  -- 1, 2, 3 … for each account.
  number bigint NOT NULL CHECK (number > 0),
  idempotency_key text COLLATE "C" NOT NULL,
  -- Ties the two sides of a transfer.
  transfer_id text COLLATE "C",
  kind text COLLATE "C" NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'applied', 'refused')),
  body jsonb NOT NULL,
  refusal text,
  actor text,
  created_at timestamptz NOT NULL DEFAULT now(),
  settled_at timestamptz,
  -- Account sequence of the event that confirmed it.
  applied_sequence bigint,
  UNIQUE (account_id, number),
  UNIQUE (tenant, idempotency_key)
);
CREATE INDEX intents_pending ON tolld.intents (account_id, number) WHERE state = 'pending';
CREATE INDEX intents_transfer ON tolld.intents (transfer_id) WHERE transfer_id IS NOT NULL;
