/** On a rung of its plan's ladder a session costs nothing, whatever it held when it got there. */
import { expect, it } from 'vitest';
import { admit } from '../../../src/charging/admission.js';
import type { ChargeService } from '../../../src/charging/charge-request.js';
import type { Engine } from '../../../src/charging/engine.js';
import {
  noteSteered,
  takeReport,
  type NetworkReport,
  type SteeredState,
} from '../../../src/charging/session-report.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { admissionRequest, networkReport } from '../../support/access-requests.js';
import { chargeService, newBucket, policy, START_MS } from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';

const engines = testEngines();
const HOLDING = 10_000;
const DOWN = { kind: 'ladder', rung: 1 } as const;

/** One session of an account with octets, or money, and what has gone of it after each report. */
async function sessionOf(service: Partial<ChargeService>, resource: string, lent = false) {
  const engine = await engines.fresh();
  await fundAccount(engine, 'a', [newBucket('b', resource, HOLDING)]);
  const services = [chargeService({ key: '0', want: toAmount(1_000), ...service })];
  const overuse = lent ? 'debit' : policy.overuse;
  const admission = admissionRequest();
  const charge = { ...admission.charge, services };
  expect(await admit(engine, { ...admission, charge })).toMatchObject({ verdict: 'admitted' });
  const report = async (minutes: number, down: number, more: Partial<NetworkReport> = {}) => {
    const at = START_MS + minutes * 60_000;
    const totals = { uploadOctets: toAmount(0), downloadOctets: toAmount(down) };
    const request = networkReport({ now: at, eventAt: at, ...totals, ...more });
    const asked = { ...request.charge, services, policy: { ...request.charge.policy, overuse } };
    const outcome = await takeReport(engine, { ...request, charge: asked });
    expect(outcome).toMatchObject({ kind: 'taken' });
    return HOLDING - (await left(engine));
  };
  const steer = (level: NonNullable<SteeredState['level']>) =>
    noteSteered(engine, { partition: 0, sessionId: 's1' }, { level });
  return { engine, report, steer };
}

async function left(engine: Engine): Promise<number> {
  const [bucket] = (await readAccount(engine, 0, 'a'))?.buckets ?? [];
  expect(bucket?.reserved).toBeLessThanOrEqual(HOLDING);
  return bucket?.remaining ?? 0;
}

it.each([
  ['a priced service', 'its allowance', {}, 'octets'],
  ['a priced service', 'its money', {}, 'EUR'],
  ['an unpriced service', 'its allowance', { windows: [] }, 'octets'],
])('%s on a rung takes nothing of %s', async (_service, _payer, service, resource) => {
  const { engine, report, steer } = await sessionOf(service, resource);
  expect(await report(0, 0, { status: 'start' })).toBe(0);
  expect(await report(1, 100)).toBe(100);
  await steer({ at: DOWN, taken: true });
  expect(await report(2, 200)).toBe(100);
  expect(await report(3, 300)).toBe(100);
  expect((await readAccount(engine, 0, 'a'))?.buckets[0]?.reserved).toBe(0);
  await steer({ at: { kind: 'full' }, taken: true });
  expect(await report(4, 350)).toBe(150);
  await steer({ at: DOWN, taken: true });
  expect(await report(5, 450, { status: 'stop' })).toBe(150);
  // What comes behind the end was used on the rung too.
  expect(await report(6, 500)).toBe(150);
});

it('a session on a rung runs up no debt', async () => {
  const { report, steer } = await sessionOf({}, 'EUR', true);
  await report(0, 0, { status: 'start' });
  expect(await report(1, HOLDING)).toBe(HOLDING);
  await steer({ at: DOWN, taken: true });
  expect(await report(2, HOLDING + 500)).toBe(HOLDING);
});
