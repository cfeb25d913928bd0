/**
 * How long do the questions that staff ask take over a large record, and does each find its index?
 * `npm run bench -- record-queries [--events N]`, ten million by default: some minutes and gigabytes.
 */
import pg from 'pg';
import { migrate } from '../src/records/migrate.js';
import { explain, fillRatedEvents, QUESTIONS } from '../test/support/many-events.js';
import { readNumbers } from './flags.js';
import { median } from './median.js';
import { startPostgresProcess } from './postgres-process.js';

const ROUNDS = 5;

export async function run(args: readonly string[]): Promise<void> {
  const { events } = readNumbers(args, { events: 10_000_000 });
  const postgres = await startPostgresProcess({ durable: false });
  const url = postgres.databaseUrl('postgres');
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  // The server may end connections before the pool has.
  pool.on('error', () => undefined);
  try {
    await migrate({ url });
    const onStep = (done: number): void => console.log(`${done} of ${events} rows`);
    await fillRatedEvents(pool, { rows: events, onStep });
    const answers: Record<string, number> = {};
    let scans = 0;
    for (const [name, question] of Object.entries(QUESTIONS)) {
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const { ms, scanned } = await explain(pool, question);
        times.push(ms);
        scans += scanned.length;
      }
      answers[name] = Number(median(times).toFixed(3));
    }
    if (scans > 0) process.exitCode = 1;
    console.log(
      JSON.stringify({
        bench: 'record-queries',
        value: Math.max(...Object.values(answers)),
        unit: 'ms of the slowest question',
        answers,
        tablesScanned: scans,
        events,
      }),
    );
  } finally {
    await pool.end();
    await postgres.stop();
  }
}
