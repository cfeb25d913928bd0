import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/observability/logger.js';
import { intentStatements } from '../../../src/records/confirmations.js';
import { asTenant, createDatabase, EVERY_TENANT } from '../../../src/records/database.js';
import { migrate } from '../../../src/records/migrate.js';
import { runSeries } from '../../../src/records/statement-series.js';
import { testDatabase } from '../../support/postgres.js';

const database = testDatabase();
const ordinary = testDatabase({ migrated: false });
const logger = createLogger({ level: 'silent' });

function connect(role: 'flusher' | 'manager' | 'reader', url = database.url) {
  return createDatabase({ url, name: 'rights test', connectionsMax: 1, role }, { logger });
}

beforeAll(async () => {
  await database.pool.query(`
    INSERT INTO tolld.tenants (id, moniker, name) VALUES ('a', 'a', 'A'), ('b', 'b', 'B');
    INSERT INTO tolld.accounts (id, tenant, partition) VALUES ('a1', 'a', 0), ('b1', 'b', 0);
    INSERT INTO tolld.ledger_entries
      (account_id, sequence, position, tenant, posted_at, kind, amount, partition, epoch, entry)
    VALUES ('a1', 1, 0, 'a', now(), 'grant', 5, 0, 1, 0), ('b1', 1, 0, 'b', now(), 'grant', 7, 0, 1, 1);
    INSERT INTO tolld.rated_events (charged_at, sequence, entry, epoch, request_number, used,
      uncollected, cost, partition, kind, tenant, account_id, session_id, service, imsi, impacts)
    VALUES (now(), 2, 2, 1, 1, 10, 0, 0, 0, 'usage', 'a', 'a1', 's1', '-', '26201', '[]')`);
});

describe('row-level security', () => {
  test('shows a tenant its own rows only, and nothing where no tenant is set', async () => {
    const pool = connect('reader');
    const seen = async (tenant: string) =>
      asTenant(pool, tenant, async (client) => {
        const { rows } = await client.query<{ id: string }>(
          'SELECT id FROM tolld.accounts ORDER BY id',
        );
        return rows.map(({ id }) => id);
      });
    expect(await seen('a')).toEqual(['a1']);
    expect(await seen('b')).toEqual(['b1']);
    expect(await seen('a,b')).toEqual(['a1', 'b1']);
    expect(await seen('')).toEqual([]);
    expect(await seen(EVERY_TENANT)).toEqual(['a1', 'b1']);
    expect((await pool.query('SELECT FROM tolld.accounts')).rowCount).toBe(0);
    expect((await pool.query('SELECT FROM tolld.tenants')).rowCount).toBe(0);
    await pool.end();
  });

  test('refuses to write a row of another tenant', async () => {
    const pool = connect('manager');
    const insert = asTenant(pool, 'a', (client) =>
      client.query(`INSERT INTO tolld.accounts (id, tenant, partition) VALUES ('b2', 'b', 0)`),
    );
    await expect(insert).rejects.toThrow(/row-level security/);
    await pool.end();
  });

  test('holds for every table that names a tenant', async () => {
    const { rows } = await database.pool.query(`
      SELECT relname FROM pg_class c
      WHERE relnamespace = 'tolld'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition AND NOT relrowsecurity AND EXISTS (
          SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant')`);
    expect(rows).toEqual([]);
  });

  test('can not be passed by naming a partition', async () => {
    const pool = connect('reader');
    await expect(pool.query('SELECT FROM tolld.rated_events_default')).rejects.toThrow(
      /permission denied/,
    );
    await pool.end();
  });
});

describe('what is recorded', () => {
  test.each([
    'UPDATE tolld.ledger_entries SET amount = 1',
    'DELETE FROM tolld.ledger_entries',
    'TRUNCATE tolld.ledger_entries',
    'DELETE FROM tolld.rated_events',
    'UPDATE tolld.rated_events SET used = 1',
    'TRUNCATE tolld.rated_events',
    `UPDATE tolld.rated_events SET imsi = 'another'`,
  ])('withstands its owner: %s', async (statement) => {
    await expect(database.pool.query(statement)).rejects.toThrow(/append-only/);
  });

  test.each([
    'UPDATE tolld.ledger_entries SET amount = 1',
    'DELETE FROM tolld.ledger_entries',
    'DELETE FROM tolld.rated_events',
    'UPDATE tolld.rated_events SET used = 1',
  ])('can not be asked of the flusher: %s', async (statement) => {
    const pool = connect('flusher');
    await expect(pool.query(statement)).rejects.toThrow(/permission denied/);
    await pool.end();
  });

  test('loses what is personal when it is erased', async () => {
    await database.pool.query('UPDATE tolld.rated_events SET imsi = NULL');
    const { rows } = await database.pool.query('SELECT imsi, used FROM tolld.rated_events');
    expect(rows).toEqual([{ imsi: null, used: '10' }]);
  });

  test.each(['imsi', 'msisdn', 'user_name', 'mac', 'address', 'called_party', 'calling_party'])(
    'lets the manager erase %s, and write nothing there',
    async (column) => {
      const pool = connect('manager');
      const update = (value: string): Promise<unknown> =>
        asTenant(pool, 'a', (client) =>
          client.query(`UPDATE tolld.rated_events SET ${column} = ${value}`),
        );
      await expect(update("'another'")).rejects.toThrow(/append-only/);
      await update('NULL');
      await pool.end();
    },
  );
});

describe('an owner who is no superuser', () => {
  test('migrates, makes months, and is told at once what an administrator can add', async () => {
    const owner = `owner_${randomBytes(6).toString('hex')}`;
    const { rows } = await ordinary.pool.query<{ name: string }>(
      'SELECT current_database() AS name',
    );
    await ordinary.pool.query(`CREATE ROLE ${owner} NOLOGIN`);
    await ordinary.pool.query(`ALTER DATABASE ${rows[0]?.name} OWNER TO ${owner}`);
    const url = new URL(ordinary.url);
    url.searchParams.set('options', `-c role=${owner}`);
    const { applied, notes } = await migrate({ url: url.href });
    expect(applied.length).toBeGreaterThan(5);
    // The roles are there, made for other databases of the server.
    expect(notes).toEqual([
      expect.stringMatching(
        new RegExp(`\\n {2}GRANT tolld_flusher, tolld_manager, tolld_reader TO ${owner};$`),
      ),
    ]);

    await ordinary.pool.query(`GRANT tolld_flusher, tolld_manager, tolld_reader TO ${owner}`);
    expect((await migrate({ url: url.href })).notes).toEqual([]);
    const pool = connect('flusher', url.href);
    const made = await pool.query('SELECT tolld.create_months(2) AS made');
    expect(made.rows).toEqual([{ made: 9 }]);
    await pool.end();
    await ordinary.pool.query(`REASSIGN OWNED BY ${owner} TO CURRENT_USER`);
    await ordinary.pool.query(`DROP OWNED BY ${owner}`);
    await ordinary.pool.query(`DROP ROLE ${owner}`);
  });
});

describe('months', () => {
  test('are made ahead by the flusher, who owns nothing, and take over strays', async () => {
    const pool = connect('flusher');
    await database.pool.query(`INSERT INTO tolld.account_events
      (happened_at, sequence, entry, epoch, partition, kind, tenant, account_id, change)
      VALUES ('2031-05-31T23:59:59Z', 1, 1, 1, 1, 'session', 'a', 'a1', 'opened'),
             ('2031-06-01T00:00:00Z', 2, 1, 1, 1, 'session', 'a', 'a1', 'closed')`);
    const made = await pool.query<{ made: boolean }>(
      `SELECT tolld.create_month('account_events', '2031-05-17') AS made`,
    );
    expect(made.rows).toEqual([{ made: true }]);
    const { rows } = await database.pool.query(`
      SELECT sequence, tableoid::regclass::text AS place FROM tolld.account_events
      WHERE happened_at > '2031-01-01' ORDER BY sequence`);
    expect(rows).toEqual([
      { sequence: '1', place: 'tolld.account_events_2031_05' },
      { sequence: '2', place: 'tolld.account_events_default' },
    ]);
    const again = await Promise.all([
      pool.query<{ made: number }>('SELECT tolld.create_months(2) AS made'),
      database.pool.query<{ made: number }>('SELECT tolld.create_months(2) AS made'),
    ]);
    expect(again.map(({ rows: [row] }) => row?.made).sort()).toEqual([0, 9]);
    await pool.end();
  });
});

describe('the flusher', () => {
  test('may confirm an intent, refused or applied, and nothing else of it', async () => {
    await database.pool.query(`
      INSERT INTO tolld.intents (id, tenant, account_id, number, kind, body, idempotency_key)
      VALUES ('i1', 'a', 'a1', 1, 'grant', '{}', 'k1')`);
    const pool = connect('flusher');
    const client = await pool.connect();
    const settled = { state: 'refused', refusal: 'bucket-exists', sequence: 3 } as const;
    const intent = { id: 'i1', ...settled, at: '2026-11-21T10:00:00Z' };
    await runSeries(client, intentStatements(new Map([['i1', intent]])));
    await expect(client.query(`UPDATE tolld.intents SET body = '[]'`)).rejects.toThrow(
      /permission denied/,
    );
    client.release();
    await pool.end();
    const { rows } = await database.pool.query('SELECT state, refusal FROM tolld.intents');
    expect(rows).toEqual([{ state: 'refused', refusal: 'bucket-exists' }]);
  });
});
