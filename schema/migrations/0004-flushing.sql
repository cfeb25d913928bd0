-- Why: how far each partition's outbox is recorded, by whom, and what could not be recorded.

-- The entry of each partition that was recorded last. Moved in the transaction that records, and
-- only from the place where the reader began: that makes a batch count once.
CREATE TABLE tolld.flush_offsets (
  partition smallint PRIMARY KEY,
  epoch bigint NOT NULL,
  n bigint NOT NULL,
  -- Highest lease that has written: an older holder that wakes up is refused.
  fence bigint NOT NULL DEFAULT 0,
  flushed_at timestamptz
) WITH (fillfactor = 50);

-- Apart from the offsets, so that a renewal never waits for a batch.
CREATE TABLE tolld.flush_leases (
  partition smallint PRIMARY KEY,
  holder text COLLATE "C",
  fence bigint NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Live flushers, so that each takes its fair share of the partitions.
CREATE TABLE tolld.flushers (
  holder text COLLATE "C" PRIMARY KEY,
  expires_at timestamptz NOT NULL
);

-- Entries that Postgres refused, whole, as the script wrote them.
CREATE TABLE tolld.quarantined_events (
  partition smallint NOT NULL,
  epoch bigint NOT NULL,
  n bigint NOT NULL,
  happened_at timestamptz,
  code text NOT NULL,
  message text NOT NULL,
  -- [[account, first sequence, events], …]
  accounts jsonb NOT NULL,
  -- [[account, bucket, delta], …]: what is missing in the buckets until the entry is replayed.
  impacts jsonb NOT NULL,
  packed bytea NOT NULL,
  quarantined_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  PRIMARY KEY (partition, epoch, n)
);
CREATE INDEX quarantined_events_open ON tolld.quarantined_events (quarantined_at)
  WHERE resolved_at IS NULL;

-- What detached months held, so that the books can be checked without them.
CREATE TABLE tolld.archived_impacts (
  account_id text COLLATE "C" NOT NULL,
  bucket_id text COLLATE "C" NOT NULL,
  delta bigint NOT NULL,
  PRIMARY KEY (account_id, bucket_id)
);
CREATE TABLE tolld.archived_runs (
  account_id text COLLATE "C" PRIMARY KEY,
  events bigint NOT NULL
);
CREATE TABLE tolld.archived_months (
  table_name text COLLATE "C" PRIMARY KEY,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  rows bigint NOT NULL,
  detached_at timestamptz NOT NULL DEFAULT now()
);
