-- Why: the month that grows was analysed each time it was a tenth larger, and what accounts hold each
-- minute, though plans hardly go by either; each time a core is busy for up to a second, and
-- charges beside it are late.

ALTER TABLE tolld.account_states SET (autovacuum_analyze_scale_factor = 2);

DO $$
DECLARE
  child regclass;
BEGIN
  FOR child IN
    SELECT i.inhrelid FROM tolld.month_tables() m
    JOIN pg_inherits i ON i.inhparent = to_regclass('tolld.' || m.parent)
  LOOP
    EXECUTE format('ALTER TABLE %s SET (autovacuum_analyze_scale_factor = 0.5)', child);
  END LOOP;
END $$;

-- As 0019 has it, but for that.
CREATE OR REPLACE FUNCTION tolld.create_month(parent text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  first_day CONSTANT date := date_trunc('month', month)::date;
  next_day CONSTANT date := (date_trunc('month', month) + interval '1 month')::date;
  child CONSTANT text := parent || to_char(first_day, '"_"YYYY"_"MM');
  time_column CONSTANT text :=
    (SELECT m.time_column FROM tolld.month_tables() m WHERE m.parent = create_month.parent);
  has_strays boolean;
BEGIN
  IF time_column IS NULL THEN
    RAISE EXCEPTION '% is not kept by months', parent USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- One at a time: two daemons that start together make the same months.
  PERFORM pg_advisory_xact_lock(hashtext('tolld.create_month'));
  IF to_regclass('tolld.' || child) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE tolld.%I (LIKE tolld.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) '
    'WITH (autovacuum_analyze_scale_factor = 0.5)', child, parent);
  EXECUTE format('SELECT EXISTS (SELECT FROM tolld.%I WHERE %I >= %L AND %I < %L)',
    parent || '_default', time_column, first_day, time_column, next_day) INTO has_strays;
  IF has_strays THEN
    -- Not by a SET of the function: only a superuser may give a function a parameter nobody declared.
    PERFORM set_config('tolld.moving_month', 'on', true);
    EXECUTE format('WITH moved AS (DELETE FROM tolld.%I WHERE %I >= %L AND %I < %L RETURNING *) '
      'INSERT INTO tolld.%I SELECT * FROM moved',
      parent || '_default', time_column, first_day, time_column, next_day, child);
    PERFORM set_config('tolld.moving_month', '', true);
  END IF;
  EXECUTE format('ALTER TABLE tolld.%I ATTACH PARTITION tolld.%I FOR VALUES FROM (%L) TO (%L)',
    parent, child, first_day, next_day);
  RETURN true;
END $$;
