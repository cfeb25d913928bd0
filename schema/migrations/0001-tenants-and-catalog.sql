-- Why: every other row belongs to a tenant, and is rated by what that tenant's catalog says.

CREATE SCHEMA IF NOT EXISTS tolld;

-- Which Redis this record belongs to, and how its key space is cut. One row.
CREATE TABLE tolld.installation (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  instance_id text COLLATE "C" NOT NULL,
  partitions integer NOT NULL CHECK (partitions BETWEEN 1 AND 16384),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tolld.tenants (
  -- No comma: row-level security reads a list of tenants from one setting.
  id text COLLATE "C" PRIMARY KEY CHECK (id <> '' AND id <> '*' AND position(',' IN id) = 0),
  parent_id text COLLATE "C" REFERENCES tolld.tenants (id),
  moniker text COLLATE "C" NOT NULL UNIQUE,
  external_id text COLLATE "C",
  name text NOT NULL,
  timezone text NOT NULL DEFAULT 'UTC',
  currency text,
  features jsonb NOT NULL DEFAULT '{}',
  -- How charging decides where it has a choice; what is absent has its default.
  policy jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'closed')),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tolld.resources (
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  code text COLLATE "C" NOT NULL,
  name text,
  kind text NOT NULL CHECK (kind IN ('units', 'money')),
  -- Decimals of the smallest unit (6: micro-units); 0 for what is counted.
  scale smallint NOT NULL DEFAULT 0 CHECK (scale BETWEEN 0 AND 9),
  consumption_order text NOT NULL DEFAULT 'earliest-expiring' CHECK (consumption_order IN
    ('earliest-expiring', 'earliest-started', 'latest-started', 'smallest', 'largest')),
  definition jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, code)
);

-- A revision never changes once it is active: what an event names stays readable.
CREATE TABLE tolld.tariffs (
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  code text COLLATE "C" NOT NULL,
  revision integer NOT NULL CHECK (revision > 0),
  name text,
  definition jsonb NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('draft', 'active', 'retired')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, code, revision)
);

CREATE TABLE tolld.plans (
  tenant text COLLATE "C" NOT NULL REFERENCES tolld.tenants (id),
  code text COLLATE "C" NOT NULL,
  revision integer NOT NULL CHECK (revision > 0),
  name text,
  definition jsonb NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('draft', 'active', 'retired')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, code, revision)
);

-- The version that events carry. A change of configuration takes a number in its own transaction;
-- the publisher brings the numbers to Redis in their order.
CREATE TABLE tolld.config_versions (
  version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  actor text,
  summary text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz
);
CREATE INDEX config_versions_unpublished ON tolld.config_versions (version)
  WHERE published_at IS NULL;
