-- Why: who called is personal, as is whom: it must have a column of its own that can be erased.
ALTER TABLE tolld.rated_events ADD COLUMN calling_party text COLLATE "C";
ALTER TABLE tolld.sessions ADD COLUMN calling_party text COLLATE "C";

CREATE OR REPLACE FUNCTION tolld.refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  personal CONSTANT text[] := ARRAY['imsi', 'msisdn', 'user_name', 'mac', 'address', 'called_party',
    'calling_party'];
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

ALTER FUNCTION tolld.grant_rights() RENAME TO grant_rights_before_calling_party;
CREATE FUNCTION tolld.grant_rights() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT * FROM tolld.grant_rights_before_calling_party();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tolld_manager') THEN
    GRANT UPDATE (calling_party) ON tolld.rated_events, tolld.sessions TO tolld_manager;
  END IF;
END $$;
