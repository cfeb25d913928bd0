/** Requests name the terms of their services where Redis knows them, and bring them where it does not. */
import { expect, it } from 'vitest';
import { admit, type AdmissionRequest } from '../../../src/charging/admission.js';
import { packTerms, type ChargeService } from '../../../src/charging/charge-request.js';
import { charge, enquire } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import {
  noteSteered,
  takeReport,
  type NetworkReport,
} from '../../../src/charging/session-report.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { admissionRequest, networkReport } from '../../support/access-requests.js';
import {
  chargeRequest,
  chargeService,
  chargeWindow,
  newBucket,
  rateLine,
  stamp,
  START_MS,
} from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';

const engines = testEngines();
const PLENTY = 1_000_000;

/** Terms that no other test has had opened, kept packed as credit control keeps them. */
function keptService(validitySeconds: number): ChargeService {
  const base = chargeService({ used: toAmount(0), want: toAmount(100) });
  const service = { ...base, quota: { ...base.quota, validitySeconds }, serviceContext: 'named' };
  return { ...service, packedTerms: packTerms(service) };
}

/** An engine with an account of plenty, and how many calls of the script it has made. */
async function countedEngine(): Promise<{ engine: Engine; calls: () => number }> {
  const engine = await engines.fresh();
  let count = 0;
  const scripts: Engine['scripts'] = {
    ...engine.scripts,
    run: (...call) => {
      count += 1;
      return engine.scripts.run(...call);
    },
  };
  const account = { partition: 0, accountId: 'a', stamp };
  await provisionAccount(engine, { ...account, standing: 'active', profileVersion: 1 });
  await creditAccount(engine, {
    ...account,
    intentNumber: 1,
    intentId: 'i1',
    kind: 'grant',
    reason: null,
    operations: [{ operation: 'grant', bucket: newBucket('b', 'octets', PLENTY) }],
  });
  return { engine: { ...engine, scripts }, calls: () => count };
}

it('a session goes on with what its first request brought, and brings what is new once', async () => {
  const { engine, calls } = await countedEngine();
  const first = keptService(601);
  const other = keptService(602);
  const used = (service: ChargeService): ChargeService => ({ ...service, used: toAmount(100) });
  const ask = async (
    phase: 'initial' | 'update' | 'terminate',
    number: number,
    service: ChargeService,
  ): Promise<number> => {
    const before = calls();
    const request = chargeRequest({ phase, number, services: [service] });
    const outcome = await charge(engine, request);
    expect(outcome).toMatchObject({ kind: 'answered', repeated: false });
    return calls() - before;
  };
  expect(await ask('initial', 0, first)).toBe(1);
  expect(await ask('update', 1, used(first))).toBe(1);
  expect(await ask('update', 2, used(other))).toBe(2);
  expect(await ask('update', 3, used(other))).toBe(1);
  const last = { ...used(keptService(603)), want: null };
  expect(await ask('terminate', 4, last)).toBe(2);
  const account = await readAccount(engine, 0, 'a');
  expect(account?.buckets[0]).toMatchObject({ remaining: PLENTY - 400, reserved: 0 });
});

it('terms are known by their name however many others were opened since', async () => {
  const { engine, calls } = await countedEngine();
  const service = keptService(611);
  const initial = chargeRequest({ phase: 'initial', number: 0, services: [service] });
  await charge(engine, initial);
  const others = Array.from({ length: 300 }, (_, index) => ({
    ...keptService(1_000 + index),
    key: String(index),
  }));
  const asked = chargeRequest({ phase: 'event', number: 0, services: others });
  expect(await enquire(engine, asked)).toMatchObject({ kind: 'enquired' });
  const before = calls();
  const used = { ...service, used: toAmount(100) };
  const update = chargeRequest({ phase: 'update', number: 1, services: [used] });
  expect(await charge(engine, update)).toMatchObject({
    kind: 'answered',
    services: [{ granted: 100, validitySeconds: 611 }],
  });
  expect(calls() - before).toBe(1);
});

it('a request whose terms are unknown changes nothing until it brings them', async () => {
  const { engine } = await countedEngine();
  const service = keptService(604);
  await charge(
    engine,
    chargeRequest({ phase: 'initial', number: 0, services: [keptService(605)] }),
  );
  const before = await engine.redis.getBuffer(engine.keys.account(0, 'a'));
  let seen: Buffer | null = null;
  let count = 0;
  const scripts: Engine['scripts'] = {
    ...engine.scripts,
    run: async (...call) => {
      count += 1;
      if (count === 2) seen = await engine.redis.getBuffer(engine.keys.account(0, 'a'));
      return engine.scripts.run(...call);
    },
  };
  const request = chargeRequest({ phase: 'update', number: 1, services: [service] });
  const outcome = await charge({ ...engine, scripts }, request);
  expect(count).toBe(2);
  expect(seen).toEqual(before);
  expect(outcome).toMatchObject({ kind: 'answered', services: [{ granted: 100 }] });
});

/** Of a login and its reports: a service of known terms, and those under which it is free. */
function accessTerms(validitySeconds: number): Pick<AdmissionRequest, 'freeTerms'> & {
  readonly service: ChargeService;
} {
  const service = keptService(validitySeconds);
  const free = chargeWindow(rateLine({ id: 'free' }), { kind: 'free' });
  return { service, freeTerms: [packTerms({ ...service, windows: [free] })] };
}

it('a login names its terms, and brings them once where they are not known', async () => {
  const { engine, calls } = await countedEngine();
  const { service, freeTerms } = accessTerms(621);
  const login = async (sessionId: string, more: Partial<AdmissionRequest> = {}) => {
    const before = calls();
    const request = admissionRequest({ sessionId, freeTerms, ...more });
    const charge = { ...request.charge, services: [service] };
    const outcome = await admit(engine, { ...request, charge });
    return { outcome, calls: calls() - before };
  };
  expect(await login('s1')).toMatchObject({ outcome: { verdict: 'admitted' }, calls: 2 });
  expect(await login('s2')).toMatchObject({ outcome: { verdict: 'admitted' }, calls: 1 });
  // What the garden is free by nobody has said yet.
  const over = { expiresAt: START_MS - 1, gardens: { noCredit: false, expired: true } };
  expect(await login('s3', over)).toMatchObject({ outcome: { verdict: 'garden' }, calls: 2 });
  expect(await login('s4', over)).toMatchObject({ outcome: { verdict: 'garden' }, calls: 1 });
});

it('an interim report says where its session is only where no start was heard', async () => {
  const { engine, calls } = await countedEngine();
  const { service, freeTerms } = accessTerms(622);
  const admission = admissionRequest({ freeTerms });
  await admit(engine, { ...admission, charge: { ...admission.charge, services: [service] } });
  const place = '{"pointer":{"connection":"pppoe"},"heard":"interim"}';
  const report = async (minutes: number, more: Partial<NetworkReport> = {}): Promise<number> => {
    const before = calls();
    const at = START_MS + minutes * 60_000;
    const request = networkReport({
      now: at,
      eventAt: at,
      freeTerms,
      network: () => place,
      ...more,
    });
    const charge = { ...request.charge, services: [service] };
    const totals = { uploadOctets: toAmount(0), downloadOctets: toAmount(minutes) };
    const outcome = await takeReport(engine, { ...request, ...totals, charge });
    expect(outcome).toMatchObject({ kind: 'taken' });
    return calls() - before;
  };
  expect(await report(1)).toBe(2);
  expect(await engine.redis.hget(engine.keys.session(0, 's1'), 'n')).toBe(place);
  expect(await report(2)).toBe(1);
  const other = accessTerms(623);
  const changed = { freeTerms: other.freeTerms };
  const before = calls();
  const at = START_MS + 180_000;
  const request = networkReport({ now: at, eventAt: at, ...changed });
  const charge = { ...request.charge, services: [other.service] };
  const outcome = await takeReport(engine, {
    ...{ ...request, charge, sessionSeconds: 180 },
    ...{ uploadOctets: toAmount(0), downloadOctets: toAmount(3) },
  });
  expect(outcome).toMatchObject({ kind: 'taken' });
  expect(calls() - before).toBe(2);
});

it('a session on a rung goes on by the free terms that its report brings', async () => {
  const { engine, calls } = await countedEngine();
  const { service, freeTerms } = accessTerms(624);
  const admission = admissionRequest({ freeTerms });
  await admit(engine, { ...admission, charge: { ...admission.charge, services: [service] } });
  const report = async (minutes: number): Promise<number> => {
    const before = calls();
    const at = START_MS + minutes * 60_000;
    const request = networkReport({
      ...{ now: at, eventAt: at, freeTerms, status: minutes === 0 ? 'start' : 'interim' },
      ...{ uploadOctets: toAmount(0), downloadOctets: toAmount(minutes * 100) },
    });
    const charge = { ...request.charge, services: [service] };
    expect(await takeReport(engine, { ...request, charge })).toMatchObject({ kind: 'taken' });
    return calls() - before;
  };
  await report(0);
  const at = { kind: 'ladder', rung: 1 } as const;
  await noteSteered(engine, { partition: 0, sessionId: 's1' }, { level: { at, taken: true } });
  expect(await report(1)).toBe(2);
  expect(await report(2)).toBe(1);
});
