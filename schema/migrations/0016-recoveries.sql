-- Why: what a Redis that restarts or is replaced held beyond the record may be gone for ever; nobody
-- may record it afterwards, when other events bear the same numbers, and somebody must know of it.

-- [[epoch, last entry], …]: epochs that have ended, as far as the record may still meet them. An entry
-- behind the last one of its epoch was lost by the Redis that had it.
ALTER TABLE tolld.flush_offsets ADD COLUMN ended_epochs jsonb NOT NULL DEFAULT '[]';

-- One row for each time that a partition was compared with the record and opened again.
CREATE TABLE tolld.recoveries (
  partition smallint NOT NULL,
  -- Of the stream from then on.
  epoch bigint NOT NULL,
  compared_at timestamptz NOT NULL DEFAULT now(),
  -- Null until the partition was open again.
  opened_at timestamptz,
  verdict text COLLATE "C" NOT NULL CHECK (verdict IN ('equal', 'ahead', 'behind')),
  -- Where Redis and the record stood; null where Redis had no stream.
  redis_epoch bigint,
  redis_entry bigint,
  recorded_epoch bigint NOT NULL,
  recorded_entry bigint NOT NULL,
  -- Accounts that were brought to where the record has them.
  accounts_restored integer NOT NULL DEFAULT 0,
  -- Entries that some process had seen and that neither Redis nor the record has.
  entries_lost bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (partition, epoch)
);

-- What is known of lost entries: those that a flusher had read before they were lost.
CREATE TABLE tolld.lost_events (
  partition smallint NOT NULL,
  epoch bigint NOT NULL,
  n bigint NOT NULL,
  happened_at timestamptz,
  -- [[account, first sequence, events], …]
  accounts jsonb NOT NULL,
  -- [[account, bucket, delta], …]: what was charged or credited, and is as if it had not been.
  impacts jsonb NOT NULL,
  packed bytea NOT NULL,
  noticed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (partition, epoch, n)
);

ALTER FUNCTION tolld.grant_rights() RENAME TO grant_rights_before_recoveries;
CREATE FUNCTION tolld.grant_rights() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT * FROM tolld.grant_rights_before_recoveries();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tolld_flusher') THEN
    GRANT INSERT ON tolld.recoveries, tolld.lost_events TO tolld_flusher;
    GRANT UPDATE ON tolld.recoveries TO tolld_flusher;
  END IF;
END $$;
