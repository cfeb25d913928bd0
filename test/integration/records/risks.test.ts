/** What is said at the start of a Postgres whose settings a power cut finds out. */
import { describe, expect, test } from 'vitest';
import { readRisks, withConnection } from '../../../src/records/database.js';
import { testDatabase } from '../../support/postgres.js';

describe('a Postgres that does not sync', () => {
  const { pool } = testDatabase();

  test('is warned of, setting by setting, with what to change', async () => {
    const risks = await readRisks(pool);
    for (const setting of ['fsync = on', 'full_page_writes = on', 'synchronous_commit = on']) {
      expect(risks.filter((risk) => risk.endsWith(`set ${setting}`))).toHaveLength(1);
    }
    expect(risks).toHaveLength(3);
  });

  test('is not warned of what is set well', async () => {
    const risks = await withConnection(pool, async (client) => {
      await client.query('SET synchronous_commit = local');
      return readRisks(client);
    });
    expect(risks.filter((risk) => risk.includes('synchronous_commit'))).toEqual([]);
  });
});
