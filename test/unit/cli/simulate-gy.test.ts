/** `tolld simulate gy` against our front, whose handler answers as it is told. */
import { afterEach, describe, expect, test } from 'vitest';
import type { CreditControlHandler } from '../../../src/domain/credit-control.js';
import { main } from '../../../src/main.js';
import { grantAll, startDiameterNode } from '../../support/diameter-node.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const PEER = {
  name: 'demo',
  originHost: 'gateway.demo.internal',
  realm: 'demo.internal',
  networkScope: 'demo',
};

async function simulate(args: readonly string[], handler: CreditControlHandler = grantAll) {
  const node = await startDiameterNode({ peers: [PEER], handler });
  cleanups.push(() => node.server.close());
  const out: string[] = [];
  const notes: string[] = [];
  const exitCode = await main(
    [
      ...['simulate', 'gy', '--node', `127.0.0.1:${node.port}`],
      ...['--destination-realm', 'ocs.example'],
      ...args,
    ],
    {
      terminal: { out: (line) => out.push(line), note: (line) => notes.push(line) },
      environment: {},
    },
  );
  return { exitCode, out: out.join('\n'), notes: notes.join('\n'), node };
}

const denyAll: CreditControlHandler = async () => ({
  kind: 'refused',
  repeated: false,
  refusal: 'unknown-subscriber',
  detail: 'nobody',
});

describe('a simulated gateway', () => {
  test('plays sessions and says what became of them', async () => {
    const { exitCode, out } = await simulate(['--sessions', '3', '--concurrent', '2']);
    expect(exitCode).toBe(0);
    expect(out).toContain('data initial #0');
    expect(out).toContain('3 sessions (3 finished)');
  });

  test('fails where sessions do not end as expected, and is well where they do', async () => {
    const unmet = await simulate(['--expect', 'finished', '--quiet'], denyAll);
    expect(unmet).toMatchObject({ exitCode: 1, notes: '1 of 1 sessions did not end as finished' });
    const met = await simulate(['--expect', 'refused', '--json'], denyAll);
    expect(met.exitCode).toBe(0);
    expect(JSON.parse(met.out)).toMatchObject({
      statistics: { sessionsEnded: { refused: 1 } },
      differences: null,
      failure: null,
    });
  });

  test('prints running totals while it is quiet', async () => {
    const args = ['--quiet', '--progress-seconds', '1', '--sessions', '1', '--think-ms', '700'];
    const { exitCode, out } = await simulate(args);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^1 sessions begun, 0 ended, \d+ answers, 0 unanswered, p99 /m);
    expect(out).not.toContain('data initial');
  });

  test('refuses an end that there is not', async () => {
    expect((await simulate(['--expect', 'bliss'])).exitCode).toBe(2);
  });
});
