/** What a file does to what is there: test/vectors/operator-file/reloads.txt. */
import { describe, expect, test } from 'vitest';
import type { LoadReport } from '../../../src/management/operator-file/load.js';
import { OperatorFileError } from '../../../src/management/operator-file/reading/file-fault.js';
import type { Transact } from '../../../src/management/transaction.js';
import { describeFault, readFileCases } from '../../support/operator-file-vectors.js';
import { testManagement } from './fixture.js';

const { load, transact } = testManagement();
const NOW = Date.parse('2026-06-01T00:00:00Z');

class Undo extends Error {}

/** Runs loads over one another, and undoes all of them. */
async function undone<T>(work: (nested: Transact) => Promise<T>): Promise<T> {
  let result: { readonly value: T } | null = null;
  await transact(async (client) => {
    const nested: Transact = async (inner) => {
      await client.query('SAVEPOINT load');
      try {
        const value = await inner(client);
        await client.query('RELEASE SAVEPOINT load');
        return value;
      } catch (error) {
        await client.query('ROLLBACK TO SAVEPOINT load');
        throw error;
      }
    };
    result = { value: await work(nested) };
    throw new Undo();
  }).catch((error: unknown) => {
    if (!(error instanceof Undo)) throw error;
  });
  if (result === null) throw new Error('nothing was run');
  return (result as { readonly value: T }).value;
}

interface Said {
  readonly changes: readonly string[];
  readonly faults: readonly string[];
  readonly notes: readonly string[];
}

function saidOf(text: string, { changes, notes }: LoadReport): Said {
  return {
    changes: changes
      .filter(({ action }) => action !== 'unchanged')
      .map(({ action, kind, name, details }) =>
        `${action} ${kind} ${name} ${details.join(', ')}`.trim(),
      ),
    faults: [],
    notes: notes.map((note) => describeFault(text, note)),
  };
}

describe('loading over what is there', () => {
  test.each(readFileCases('reloads.txt'))('$title', async ({ texts, title: _, ...expected }) => {
    const said = await undone(async (nested) => {
      for (const text of texts.slice(0, -1)) await load(text, { now: NOW, transact: nested });
      const last = texts.at(-1) ?? '';
      // A dry run says what the load then does.
      const dry = await attempt(last, nested, true);
      expect(await attempt(last, nested, false)).toEqual(dry);
      return dry;
    });
    expect(said).toEqual(expected);
  });
});

async function attempt(text: string, nested: Transact, dryRun: boolean): Promise<Said> {
  try {
    const report = await load(text, { now: NOW, transact: nested, dryRun });
    expect(report.written).toBe(!dryRun);
    if (!dryRun) await expectUnchanged(text, nested);
    return saidOf(text, report);
  } catch (error) {
    if (!(error instanceof OperatorFileError)) throw error;
    const faults = error.faults.map((fault) => describeFault(text, fault));
    return { changes: [], faults, notes: [] };
  }
}

async function expectUnchanged(text: string, nested: Transact): Promise<void> {
  const again = await load(text, { now: NOW, transact: nested });
  expect(again.changes.filter(({ action }) => action !== 'unchanged')).toEqual([]);
  expect(again).toMatchObject({ intents: 0, configVersion: null });
}
