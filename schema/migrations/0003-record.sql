-- Why: the facts, each event once and for ever, in three tables; what they add up to, beside them.

-- Facts. (account_id, sequence) over rated_events, ledger_entries and account_events together is
-- 1, 2, 3 … without a gap.

-- Usage, charged and uncollected. Partitioned by month of the script's clock; the personal columns
-- are the only ones that may ever change, and only to null.
CREATE TABLE tolld.rated_events (
  charged_at timestamptz NOT NULL,
  sequence bigint NOT NULL,
  entry bigint NOT NULL,
  epoch bigint NOT NULL,
  request_number bigint NOT NULL,
  rating_group bigint,
  used bigint NOT NULL,
  uncollected bigint NOT NULL,
  cost bigint NOT NULL,
  session_used bigint,
  session_cost bigint,
  config_version bigint,
  event_at timestamptz,
  partition smallint NOT NULL,
  kind text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  customer_id text COLLATE "C",
  subscription_id text COLLATE "C",
  -- Whose usage it was, where a sharing group's owner paid.
  member_account_id text COLLATE "C",
  session_id text COLLATE "C" NOT NULL,
  service text COLLATE "C" NOT NULL,
  protocol text COLLATE "C",
  peer text COLLATE "C",
  service_context text COLLATE "C",
  unit text COLLATE "C",
  currency text COLLATE "C",
  tariff_version text COLLATE "C",
  zone text COLLATE "C",
  reason text COLLATE "C",
  imsi text COLLATE "C",
  msisdn text COLLATE "C",
  user_name text COLLATE "C",
  mac text COLLATE "C",
  address text COLLATE "C",
  called_party text COLLATE "C",
  -- [[bucket, resource, delta, after, units], …]: a third cheaper to write than array columns.
  impacts jsonb NOT NULL,
  -- The engine's rounding totals of the service, for rebuilding an open session.
  carry jsonb,
  network jsonb,
  PRIMARY KEY (account_id, charged_at, sequence)
) PARTITION BY RANGE (charged_at);
CREATE TABLE tolld.rated_events_default PARTITION OF tolld.rated_events DEFAULT;
-- Only ever asked for by the whole id: a hash is half as wide as the id and cheaper to keep.
CREATE INDEX rated_events_session ON tolld.rated_events USING hash (session_id);
CREATE INDEX rated_events_customer ON tolld.rated_events (customer_id, charged_at)
  WHERE customer_id IS NOT NULL;
CREATE INDEX rated_events_msisdn ON tolld.rated_events (msisdn, charged_at)
  WHERE msisdn IS NOT NULL;
CREATE INDEX rated_events_imsi ON tolld.rated_events (imsi, charged_at) WHERE imsi IS NOT NULL;
CREATE INDEX rated_events_user_name ON tolld.rated_events (user_name, charged_at)
  WHERE user_name IS NOT NULL;
CREATE INDEX rated_events_time ON tolld.rated_events USING brin (charged_at);

-- Every change of balance that no session caused; one row for each bucket it changed.
CREATE TABLE tolld.ledger_entries (
  account_id text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  position smallint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  customer_id text COLLATE "C",
  subscription_id text COLLATE "C",
  posted_at timestamptz NOT NULL,
  kind text COLLATE "C" NOT NULL,
  -- Null only for an event that changed no bucket.
  bucket_id text COLLATE "C",
  resource text COLLATE "C",
  -- In the resource's smallest unit; positive for a credit.
  amount bigint NOT NULL,
  balance_after bigint,
  reason text,
  intent_id text COLLATE "C",
  intent_number bigint,
  config_version bigint,
  partition smallint NOT NULL,
  epoch bigint NOT NULL,
  entry bigint NOT NULL,
  PRIMARY KEY (account_id, sequence, position)
);
CREATE INDEX ledger_entries_bucket ON tolld.ledger_entries (account_id, bucket_id, sequence);
CREATE INDEX ledger_entries_customer ON tolld.ledger_entries (customer_id, posted_at)
  WHERE customer_id IS NOT NULL;
CREATE INDEX ledger_entries_tenant ON tolld.ledger_entries (tenant, posted_at);
CREATE INDEX ledger_entries_intent ON tolld.ledger_entries (intent_id)
  WHERE intent_id IS NOT NULL;

-- Everything else that happened to an account: sessions, states of buckets, thresholds, standing.
CREATE TABLE tolld.account_events (
  happened_at timestamptz NOT NULL,
  sequence bigint NOT NULL,
  entry bigint NOT NULL,
  epoch bigint NOT NULL,
  partition smallint NOT NULL,
  kind text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  -- What it is about: a session, a bucket, a threshold.
  subject text COLLATE "C",
  change text COLLATE "C" NOT NULL,
  detail jsonb,
  PRIMARY KEY (account_id, happened_at, sequence)
) PARTITION BY RANGE (happened_at);
CREATE TABLE tolld.account_events_default PARTITION OF tolld.account_events DEFAULT;
CREATE INDEX account_events_time ON tolld.account_events USING brin (happened_at);

-- Projections: rewritten by the flusher from the facts, in the same transaction.

-- Where each account's run of events stands, and what else the engine keeps in its header.
CREATE TABLE tolld.account_states (
  account_id text COLLATE "C" PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  partition smallint NOT NULL,
  last_sequence bigint NOT NULL,
  last_at timestamptz NOT NULL,
  last_intent bigint NOT NULL DEFAULT 0,
  standing text COLLATE "C",
  profile_version bigint
) WITH (fillfactor = 70);

-- A bucket as it was granted, and what it holds. remaining = credited - debited - expired.
CREATE TABLE tolld.buckets (
  account_id text COLLATE "C" NOT NULL,
  bucket_id text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  resource text COLLATE "C" NOT NULL,
  -- Null where an impact arrived without the grant, which is then in quarantine.
  kind text COLLATE "C",
  priority integer,
  state text COLLATE "C",
  starts_at timestamptz,
  ends_at timestamptz,
  -- How long it lasts from its first use; null where its validity is fixed.
  duration_ms bigint,
  created_at timestamptz,
  floor bigint,
  granted bigint,
  step bigint,
  blocker boolean,
  bundle_id text COLLATE "C",
  detail jsonb,
  remaining bigint NOT NULL,
  credited bigint NOT NULL,
  debited bigint NOT NULL,
  expired bigint NOT NULL,
  -- Account sequence of the last event that changed what it holds.
  last_sequence bigint NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, bucket_id)
) WITH (fillfactor = 70);
CREATE INDEX buckets_ending ON tolld.buckets (ends_at) WHERE state <> 'inactive';
CREATE INDEX buckets_bundle ON tolld.buckets (bundle_id) WHERE bundle_id IS NOT NULL;
CREATE INDEX buckets_resource ON tolld.buckets (tenant, resource);

-- One row for each opening of a session; what it used is in rated_events.
CREATE TABLE tolld.sessions (
  opened_at timestamptz NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  customer_id text COLLATE "C",
  subscription_id text COLLATE "C",
  protocol text COLLATE "C",
  peer text COLLATE "C",
  service_context text COLLATE "C",
  state text COLLATE "C" NOT NULL,
  closed_at timestamptz,
  cause text COLLATE "C",
  last_request_number bigint NOT NULL,
  imsi text COLLATE "C",
  msisdn text COLLATE "C",
  user_name text COLLATE "C",
  mac text COLLATE "C",
  address text COLLATE "C",
  called_party text COLLATE "C",
  network jsonb,
  PRIMARY KEY (session_id, opened_at)
) PARTITION BY RANGE (opened_at);
CREATE TABLE tolld.sessions_default PARTITION OF tolld.sessions DEFAULT;
CREATE INDEX sessions_account ON tolld.sessions (account_id, opened_at);
CREATE INDEX sessions_customer ON tolld.sessions (customer_id, opened_at)
  WHERE customer_id IS NOT NULL;
CREATE INDEX sessions_open ON tolld.sessions (account_id) WHERE closed_at IS NULL;
-- Who had this address, this station, at that time.
CREATE INDEX sessions_address ON tolld.sessions (address, opened_at) WHERE address IS NOT NULL;
CREATE INDEX sessions_mac ON tolld.sessions (mac, opened_at) WHERE mac IS NOT NULL;

-- A threshold that was crossed and is to be told.
CREATE TABLE tolld.notifications (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  raised_at timestamptz NOT NULL,
  threshold_id text COLLATE "C" NOT NULL,
  resource text COLLATE "C" NOT NULL,
  level bigint NOT NULL,
  value bigint NOT NULL,
  state text NOT NULL DEFAULT 'raised' CHECK (state IN ('raised', 'sent', 'failed')),
  attempts integer NOT NULL DEFAULT 0,
  settled_at timestamptz,
  UNIQUE (account_id, sequence)
);
CREATE INDEX notifications_raised ON tolld.notifications (id) WHERE state = 'raised';
CREATE INDEX notifications_tenant ON tolld.notifications (tenant, raised_at);

-- What is final stays final, whoever is connected: the owner and a superuser, too.
CREATE FUNCTION tolld.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: correct an entry by another one', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entries_final BEFORE UPDATE OR DELETE OR TRUNCATE ON tolld.ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION tolld.refuse_change();
CREATE TRIGGER account_events_final BEFORE UPDATE ON tolld.account_events
  FOR EACH ROW EXECUTE FUNCTION tolld.refuse_change();
-- A row may leave the default partition for the month it belongs to.
CREATE TRIGGER account_events_kept BEFORE DELETE ON tolld.account_events FOR EACH ROW
  WHEN (current_setting('tolld.moving_month', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION tolld.refuse_change();
CREATE TRIGGER account_events_whole BEFORE TRUNCATE ON tolld.account_events
  FOR EACH STATEMENT EXECUTE FUNCTION tolld.refuse_change();

CREATE FUNCTION tolld.refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  personal CONSTANT text[] := ARRAY['imsi', 'msisdn', 'user_name', 'mac', 'address', 'called_party'];
  before_values jsonb := to_jsonb(OLD);
  after_values jsonb := to_jsonb(NEW);
BEGIN
  IF (before_values - personal) <> (after_values - personal)
    OR EXISTS (
      SELECT FROM unnest(personal) AS name
      WHERE after_values ->> name IS NOT NULL
        AND after_values ->> name IS DISTINCT FROM before_values ->> name
    )
  THEN
    RAISE EXCEPTION '% is append-only: only personal columns may change, and only to null',
      TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER rated_events_final BEFORE UPDATE ON tolld.rated_events
  FOR EACH ROW EXECUTE FUNCTION tolld.refuse_all_but_erasure();
CREATE TRIGGER rated_events_kept BEFORE DELETE ON tolld.rated_events FOR EACH ROW
  WHEN (current_setting('tolld.moving_month', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION tolld.refuse_change();
CREATE TRIGGER rated_events_whole BEFORE TRUNCATE ON tolld.rated_events
  FOR EACH STATEMENT EXECUTE FUNCTION tolld.refuse_change();
