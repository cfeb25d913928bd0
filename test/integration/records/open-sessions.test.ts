import { expect, test } from 'vitest';
import { openSessionsOfPeer } from '../../../src/records/open-sessions.js';
import { testDatabase } from '../../support/postgres.js';

const database = testDatabase();

test('the open sessions of a peer come page by page, each once, of every tenant', async () => {
  await database.pool.query(`
    INSERT INTO tolld.tenants (id, moniker, name) VALUES ('a', 'a', 'A'), ('b', 'b', 'B');
    INSERT INTO tolld.sessions
      (opened_at, session_id, tenant, account_id, peer, state, closed_at, last_request_number)
    SELECT now(), 's' || n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, 'x',
      CASE WHEN n <= 1200 THEN 'gateway' ELSE 'other' END, 'open', NULL, 0
    FROM generate_series(1, 1300) AS n;
    UPDATE tolld.sessions SET state = 'closed', closed_at = now() WHERE session_id = 's7'`);
  const seen: string[] = [];
  let pages = 0;
  for await (const page of openSessionsOfPeer(database.pool, 'gateway')) {
    pages += 1;
    seen.push(...page);
  }
  expect(pages).toBe(3);
  expect(seen).toHaveLength(1199);
  expect(new Set(seen).size).toBe(1199);
  expect(seen).not.toContain('s7');
});
