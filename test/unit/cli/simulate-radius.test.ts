/** `tolld simulate radius` against our front, whose handlers answer as they are told. */
import { afterEach, describe, expect, test } from 'vitest';
import { main } from '../../../src/main.js';
import { startRadiusFront, TEST_SECRET, testNas } from '../../support/radius-front.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function simulate(args: readonly string[]) {
  const front = await startRadiusFront({ clients: [testNas({ messageAuthenticator: 'off' })] });
  cleanups.push(() => front.server.close());
  const out: string[] = [];
  const notes: string[] = [];
  const ports = [front.authentication.port, front.accounting.port].map(String);
  const exitCode = await main(
    [
      ...['simulate', 'radius', '--secret', TEST_SECRET, '--answer-ms', '200'],
      ...['--authentication-port', ports[0] ?? '', '--accounting-port', ports[1] ?? ''],
      ...args,
    ],
    {
      terminal: { out: (line) => out.push(line), note: (line) => notes.push(line) },
      environment: {},
    },
  );
  return { exitCode, out: out.join('\n'), notes: notes.join('\n'), front };
}

const SEKRIT = ['--subscriber', 'anna@isp.example:sekrit'];

describe('a simulated NAS', () => {
  test('plays a session and says what became of it', async () => {
    const { exitCode, out, front } = await simulate([...SEKRIT, '--interims', '2']);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/pppoe anna@isp\.example \(ms-chap2, 02:00:5E:00:00:00\)/);
    expect(out).toMatch(/login +-> {2}Access-Accept/);
    expect(out).toContain('1 sessions (1 finished), 0 requests unanswered');
    expect(front.reports.map((report) => 'status' in report && report.status)).toEqual([
      'start',
      'interim',
      'interim',
      'stop',
    ]);
  });

  test('fails where sessions do not end as expected, and is well where they do', async () => {
    const wrong = ['--subscriber', 'anna:other', '--method', 'chap'];
    const unmet = await simulate([...wrong, '--expect', 'finished', '--quiet']);
    expect(unmet).toMatchObject({ exitCode: 1, notes: '1 of 1 sessions did not end as finished' });
    const met = await simulate([...wrong, '--expect', 'rejected', '--json']);
    expect(met.exitCode).toBe(0);
    expect(JSON.parse(met.out)).toMatchObject({
      statistics: { sessionsEnded: { rejected: 1 } },
      differences: null,
      failure: null,
    });
  });

  test('plays the quirks it is told to', async () => {
    const args = ['--interim-after-stop', '1', '--without-message-authenticator', '--wrong-clock'];
    const { front } = await simulate([
      ...SEKRIT,
      '--service',
      'hotspot',
      '--method',
      'chap',
      ...args,
    ]);
    const reports = front.reports.filter((report) => report.kind === 'session');
    expect(reports.at(-1)?.status).toBe('interim');
    expect(new Date(reports.at(-1)?.eventTimestamp ?? 0).getUTCFullYear()).toBe(2008);
  });

  test('needs a secret, or a NAS of the record', async () => {
    const notes: string[] = [];
    const terminal = { out: () => undefined, note: (line: string) => void notes.push(line) };
    const exitCode = await main(['simulate', 'radius'], { terminal, environment: {} });
    expect(exitCode).toBe(2);
    expect(notes.join()).toContain('--nas');
  });
});
