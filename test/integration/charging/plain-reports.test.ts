/**
 * The short way of a NAS' report against the whole one: the same random reports get the same answers and
 * leave the same behind, whether plain ones go the short way or none does.
 */
import { expect, it } from 'vitest';
import { admit } from '../../../src/charging/admission.js';
import { packTerms, type ChargeRequest } from '../../../src/charging/charge-request.js';
import { takeReport } from '../../../src/charging/session-report.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { admissionRequest, networkReport } from '../../support/access-requests.js';
import { newBucket, START_MS } from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { countingCall, scriptsWith } from '../../support/key-space-contents.js';
import { compareReports, REPORT_CALL } from '../../support/plain-reports.js';

const RUNS = 40;
/** The same workload in every run; another number makes another one. */
const SEED = 550912067;

const COUNT = 'plain reports';

const engines = testEngines();
const whole = scriptsWith('tolld_whole_reports', REPORT_CALL, '');
const counted = scriptsWith(
  'tolld_counted_reports',
  REPORT_CALL,
  countingCall('report_plainly(keys, args)', COUNT),
);

it(`plain reports leave what whole ones would (seed ${SEED})`, { timeout: 300_000 }, async () => {
  const { redis } = await engines.fresh();
  await whole.load(redis);
  await counted.load(redis);
  await redis.del(COUNT);
  const ways = { fresh: engines.fresh, whole, short: counted };
  const played = await compareReports(ways, { seed: SEED, runs: RUNS });
  expect(Number(await redis.get(COUNT))).toBeGreaterThan(played / 6);
});

it('each report lets its session be one of its NAS until it would have fallen silent', async () => {
  const engine = await engines.fresh();
  await fundAccount(engine, 'a', [newBucket('data', 'octets', 1e15)]);
  await admit(engine, admissionRequest());
  const { staleFactor } = networkReport();
  const silenceMs = 300_000 * staleFactor;
  const until = new Set<number>();
  let now = START_MS;
  let octets = 0;
  for (let number = 0; number < 60; number += 1) {
    // From a second to just before it is silent.
    now += 1_000 + ((number * 7_919) % (silenceMs / 1_000 - 1)) * 1_000;
    octets += 1_000;
    await takeReport(
      engine,
      networkReport({
        ...{ now, eventAt: now, status: number === 0 ? 'start' : 'interim' },
        ...{ uploadOctets: toAmount(octets), sessionSeconds: (now - START_MS) / 1_000 },
      }),
    );
    const score = await engine.redis.zscore(engine.keys.nasSessions(0, 'bng'), 's1');
    expect(Number(score)).toBeGreaterThanOrEqual(now + silenceMs);
    until.add(Number(score));
  }
  expect(until.size).toBeLessThan(40);
});

/** A request whose terms Redis may know by their names, as it does those of plain reports. */
function named<Request extends { readonly charge: ChargeRequest }>(request: Request): Request {
  const { services } = request.charge;
  const kept = services.map((service) => ({ ...service, packedTerms: packTerms(service) }));
  return { ...request, charge: { ...request.charge, services: kept } };
}

it('a start begins the session of its login, whose Class another went on with until then', async () => {
  const engine = await engines.fresh();
  await fundAccount(engine, 'a', [newBucket('data', 'octets', 1e15)]);
  const places = { sessionKey: 'k1', station: '02:00:5E:00:00:01' };
  const shared = { ...places, rates: { total: 2_000, download: 1_000, upload: 1_000 } };
  await admit(engine, named(admissionRequest(shared)));
  const first = { ...shared, now: START_MS, eventAt: START_MS };
  expect(
    await takeReport(engine, named(networkReport({ ...first, status: 'start' }))),
  ).toMatchObject({
    sessionId: 's1',
  });
  // The device logs in again ten minutes later, and its access point counts on.
  const now = START_MS + 600_000;
  const again = { ...shared, sessionId: 's2', now, eventAt: now };
  await admit(engine, named(admissionRequest({ ...again, requestKey: 'again' })));
  const on = { ...again, sessionSeconds: 600, uploadOctets: toAmount(700) };
  await takeReport(engine, named(networkReport({ ...on, status: 'stop' })));
  const start = { ...again, sessionKey: 'k2', status: 'start' } as const;
  await takeReport(engine, named(networkReport(start)));
  expect(await engine.redis.ttl(engine.keys.session(0, 's2'))).toBe(-1);
  const other = { ...again, sessionKey: 'k2' };
  // The second one comes whole, as it says no time.
  for (const sessionSeconds of [60, null]) {
    const [at, octets] = sessionSeconds === null ? [now + 120_000, 300] : [now + 60_000, 200];
    const said = { ...other, ...{ now: at, eventAt: at, sessionSeconds } };
    const both = { uploadOctets: toAmount(octets), downloadOctets: toAmount(0) };
    const outcome = await takeReport(engine, named(networkReport({ ...said, ...both })));
    expect(outcome).toMatchObject({ kind: 'taken', sessionId: 's2', epoch: false });
  }
});
