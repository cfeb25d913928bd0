import { beforeAll, describe, expect, test } from 'vitest';
import { explain, fillRatedEvents, QUESTIONS } from '../../support/many-events.js';
import { testDatabase } from '../../support/postgres.js';

const database = testDatabase();

beforeAll(() => fillRatedEvents(database.pool, { rows: 40_000 }));

describe('what staff ask of the record', () => {
  test.each(Object.entries(QUESTIONS))('%s is found by an index', async (_name, question) => {
    const { scanned } = await explain(database.pool, question);
    expect(scanned).toEqual([]);
  });
});
