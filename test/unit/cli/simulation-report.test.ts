import { expect, test } from 'vitest';
import { describeExchange, describeResult } from '../../../src/cli/simulation-report.js';
import type { SimulatedRequest } from '../../../src/local/gy-simulator/requests.js';
import { main } from '../../../src/main.js';

const request: SimulatedRequest = {
  kind: 'data',
  phase: 'update',
  sessionId: 'gw;1',
  number: 2,
  subscriber: { imsi: '262420000000001', msisdn: '491700000001' },
  services: [
    { ratingGroup: 10, serviceIdentifier: null, unit: 'octets', requested: null, used: 500 },
  ],
  apn: 'internet',
  calledParty: null,
  destinationRealm: 'tolld.internal',
  destinationHost: null,
  retransmitted: false,
  at: Date.UTC(2026, 0, 1, 12, 30, 1, 5),
};

test('a line says who used and asked for what, and what was granted', () => {
  const line = describeExchange({
    type: 'answer',
    request,
    answer: {
      resultCode: 2001,
      originHost: 'n1',
      services: [
        {
          ratingGroup: 10,
          resultCode: 4012,
          granted: { unit: 'octets', amount: 70 },
          validitySeconds: 600,
          finalUnit: 'redirect',
          redirectAddress: 'http://top.up',
        },
      ],
      cost: null,
      fault: null,
    },
    latencyMs: 1.26,
    tries: 1,
  });
  expect(line).toBe(
    '12:30:01.005  262420000000001  data update #2      group 10 used 500, asks for the default ' +
      'octets  ->  success (2001); granted 70 octets for 600 s the last, then redirect ' +
      'out of credit (4012)  1.3 ms',
  );
});

test('an answer that never came is told, and what only a program wants is not', () => {
  expect(describeExchange({ type: 'unanswered', request })).toContain('no answer');
  expect(describeExchange({ type: 'request', request })).toBeNull();
});

test('the summary names results in words', () => {
  const lines = describeResult({
    statistics: {
      sessionsStarted: 2,
      sessionsEnded: {
        finished: 1,
        refused: 0,
        'out-of-credit': 1,
        'final-units': 0,
        aborted: 0,
        stopped: 0,
        unanswered: 0,
      },
      requests: 5,
      answers: 5,
      unanswered: 0,
      retransmitted: 0,
      repeatMismatches: 0,
      malformed: 0,
      results: { 2001: 4, 9999: 1 },
      latencyMs: { p50: 1, p95: 2, p99: 3, max: 4 },
    },
    tally: [],
  });
  expect(lines.join('\n')).toContain('2 sessions (1 finished, 1 out-of-credit)');
  expect(lines.join('\n')).toMatch(/^result 9999 +1$/m);
});

test.each([
  [['--node', 'nowhere']],
  [['--subscriber', '26242']],
  [['--per-second', '0']],
  [['--repeat-share', '1.5']],
  [['--traffic', 'smoke']],
])('refuses %j', async (flags) => {
  const notes: string[] = [];
  const exitCode = await main(['simulate', 'gy', ...flags], {
    terminal: { out: () => undefined, note: (line) => notes.push(line) },
    environment: {},
  });
  expect(exitCode).toBe(2);
  expect(notes.join()).toContain(flags[0]);
});
