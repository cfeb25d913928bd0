/** test/scenarios/access-accounting.txt, row by row, on the real scripts. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { admit } from '../../../src/charging/admission.js';
import type { Engine } from '../../../src/charging/engine.js';
import { takeReport } from '../../../src/charging/session-report.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { sweepTimer } from '../../../src/charging/sweeping.js';
import { toAmount, type Amount } from '../../../src/domain/amounts.js';
import { admissionRequest, networkReport } from '../../support/access-requests.js';
import { newBucket, START_MS } from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';

const FILE = path.resolve(import.meta.dirname, '../../scenarios/access-accounting.txt');
const HOLDING = 100_000_000_000;
const ACCOUNT = 'a';

interface Scenario {
  readonly title: string;
  /** Octets a second of the line; 0 where nobody knows. */
  readonly rate: number;
  readonly rows: readonly Readonly<Record<string, string>>[];
}

function readScenarios(): readonly Scenario[] {
  const text = readFileSync(FILE, 'utf8').replace(/^#.*\n/gm, '');
  return text
    .split(/\n{2,}/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const [title = '', ...lines] = block.trim().split('\n');
      const rate = /^rate +(\d+)$/.exec(lines[0] ?? '');
      const [head = '', ...rows] = rate === null ? lines : lines.slice(1);
      const names = head.trim().split(/ +/);
      return {
        title,
        rate: Number(rate?.[1] ?? 0),
        rows: rows.map((row) => {
          const cells = row.trim().split(/ +/);
          expect(cells, `${title}: ${row}`).toHaveLength(names.length);
          return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
        }),
      };
    });
}

function octets(cell: string | undefined): Amount | null {
  if (cell === undefined || cell === '-') return null;
  const [, words = '0', rest = '0'] = /^(?:(\d+)G)?([+-]?\d+)?$/.exec(cell) ?? [];
  return toAmount((Number(words) / 4) * 2 ** 32 + Number(rest));
}

function seconds(cell: string | undefined): number | null {
  return cell === undefined || cell === '-' ? null : Number(cell);
}

async function play(engine: Engine, { rate, rows }: Scenario): Promise<readonly string[]> {
  await fundAccount(engine, ACCOUNT, [newBucket('data', 'octets', HOLDING)]);
  const rates = { total: 2 * rate, download: rate, upload: rate };
  const login = admissionRequest({ rates });
  expect(await admit(engine, login)).toMatchObject({ verdict: 'admitted' });
  const seen: string[] = [];
  for (const row of rows) {
    const at = Number(row['at']) * 1000;
    const now = START_MS + at;
    let outcome: string;
    if (row['report'] === 'sweep') {
      outcome = (await sweepTimer(engine, { partition: 0, member: 's:s1' }, now)).kind;
    } else {
      const report = networkReport({
        now,
        rates,
        status: row['report'] as 'start',
        eventAt: now - Number(row['delay']) * 1000,
        uploadOctets: octets(row['up']),
        downloadOctets: octets(row['down']),
        width: row['bits'] === '32' ? 32 : 64,
        sessionSeconds: seconds(row['time']),
      });
      outcome = (await takeReport(engine, report)).kind;
    }
    const [bucket] = (await readAccount(engine, 0, ACCOUNT))?.buckets ?? [];
    seen.push(`${row['at']} ${row['report']} ${outcome} ${HOLDING - (bucket?.remaining ?? 0)}`);
    if (row === rows.at(-1) && /stop|ended/.test(row['report'] ?? '')) {
      expect(bucket?.reserved).toBe(0);
    }
  }
  return seen;
}

const engines = testEngines();

describe('accounting', () => {
  it.each(readScenarios().map((scenario) => [scenario.title, scenario] as const))(
    '%s',
    async (_title, scenario) => {
      const engine = await engines.fresh();
      expect(await play(engine, scenario)).toEqual(
        scenario.rows.map(({ at, report, outcome, used }) => `${at} ${report} ${outcome} ${used}`),
      );
    },
  );
});

describe('what was bought', () => {
  const END_MS = START_MS + 10_000;

  async function loginAt(now: number) {
    const engine = await engines.fresh();
    await fundAccount(engine, ACCOUNT, [newBucket('data', 'octets', HOLDING)]);
    return admit(engine, admissionRequest({ expiresAt: END_MS, now }));
  }

  it.each([
    ['a second before its end', -1_000],
    ['in the last millisecond', -1],
  ])('is used %s, until then', async (_name, ahead) => {
    const admission = await loginAt(END_MS + ahead);
    expect(admission).toMatchObject({ verdict: 'admitted', endsAt: END_MS, at: END_MS + ahead });
  });

  it.each([
    ['at its end', 0],
    ['after it', 1],
  ])('is used by nobody who comes %s', async (_name, behind) => {
    expect(await loginAt(END_MS + behind)).toMatchObject({ verdict: 'expired' });
  });
});
