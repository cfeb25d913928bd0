import { beforeEach, describe, expect, it, vi } from 'vitest';
import { readTrackedSession } from '../../../src/charging/network-sessions.js';
import type { Engine } from '../../../src/charging/engine.js';
import { readRejections } from '../../../src/charging/reject-log.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { sweepTimer } from '../../../src/charging/sweeping.js';
import type { AccessControl } from '../../../src/credit-control/access/access-control.js';
import type { AccessPlan } from '../../../src/domain/access-plan.js';
import {
  canonicalMac,
  type AccessDecision,
  type AccessProof,
  type SessionCounters,
  type SessionHandle,
  type SessionReport,
} from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { testEngines } from '../../support/charging-engine.js';
import { HOME, ispProcess, login, openIsp, openSubscriber, report } from '../../support/isp.js';

const engines = testEngines();
let engine: Engine;
let isp: AccessControl;

beforeEach(async () => {
  engine = await engines.fresh();
  await openIsp(engine);
  isp = await ispProcess(engine);
});

function accepted(decision: AccessDecision): Extract<AccessDecision, { kind: 'accepted' }> {
  if (decision.kind !== 'accepted') throw new Error(JSON.stringify(decision));
  return decision;
}

function counters(upload: number, download: number, width: 32 | 64 = 64): SessionCounters {
  return { uploadOctets: toAmount(upload), downloadOctets: toAmount(download), width };
}

async function balance(accountId = 'anna'): Promise<{ left: number; reserved: number }> {
  const buckets = (await readAccount(engine, 0, accountId))?.buckets ?? [];
  return {
    left: buckets.reduce((sum, { remaining }) => sum + remaining, 0),
    reserved: buckets.reduce((sum, { reserved }) => sum + reserved, 0),
  };
}

/** Logs in and starts. */
async function begin(more: Partial<SessionReport> = {}): Promise<SessionHandle> {
  const { session } = accepted(await isp.access(login()));
  const outcome = await isp.accounting(report({ handle: session, status: 'start', ...more }));
  expect(outcome).toEqual({ kind: 'recorded' });
  return session;
}

describe('a login', () => {
  it('with the password and credit comes in, with its speed and its limit, and reserves', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const { terms, session } = accepted(await isp.access(login()));
    expect(terms).toMatchObject({
      speed: HOME.speed,
      totalOctetsMax: 500_000_000,
      interimSeconds: 100,
    });
    expect(session.nonce).toMatch(/^[0-9a-f]{32}$/);
    // 10 Mbit/s of both directions, for two intervals.
    expect(await balance()).toEqual({ left: 1_000_000_000, reserved: 250_000_000 });
  });

  it('gets the whole remainder as its limit where there can be one session only', async () => {
    await openSubscriber(engine, { octets: 1_000_000, access: { sessionsMax: 1 } });
    const { terms } = accepted(await isp.access(login()));
    expect(terms.totalOctetsMax).toBe(1_000_000);
  });

  it('gets the same answer again from another process, and reserves once', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const request = login();
    const first = accepted(await isp.access(request));
    const other = await ispProcess(engine);
    expect(await other.access(request)).toEqual(first);
    expect((await balance()).reserved).toBe(250_000_000);
  });

  it.each([
    ['unknown-subscriber', {}, { identities: [{ kind: 'user-name', value: 'nobody' }] }],
    ['wrong-password', { octets: 1 }, { password: 'other' }],
    ['no-credit', { octets: 0 }, {}],
    ['no-credit', {}, {}],
    ['suspended', { octets: 1, standing: 'suspended' }, {}],
    ['closed', { octets: 1, standing: 'closed' }, {}],
    ['expired', { octets: 1, access: { expiresAt: Date.now() - 1 } }, {}],
    ['wrong-connection', { octets: 1, access: { connections: ['hotspot'] } }, {}],
    ['wrong-nas', { octets: 1, access: { nas: ['other'] } }, {}],
    ['wrong-station', { octets: 1, access: { stations: ['02:00:00:00:00:09'] } }, {}],
  ] as const)('is turned away as %s, and staff can see it', async (reason, subscriber, request) => {
    await openSubscriber(engine, subscriber);
    const decision = await isp.access(login(request));
    expect(decision).toMatchObject({ kind: 'rejected', reason });
    const [seen] = await readRejections(engine, { countMax: 1 });
    expect(seen).toMatchObject({ reason, nas: 'bng' });
    expect((await balance()).reserved).toBe(0);
  });

  it('is turned away where the tariff bars what its plan is charged as', async () => {
    await openIsp(engine, { plans: [{ ...HOME, ratingGroup: 9 }] }, 2);
    isp = await ispProcess(engine);
    await openSubscriber(engine, { octets: 1_000_000, money: 5 });
    expect(await isp.access(login())).toMatchObject({ kind: 'rejected', reason: 'barred' });
    expect((await balance()).reserved).toBe(0);
  });

  it('is decided by the profile of now: a new password counts at once, an old one no more', async () => {
    await openSubscriber(engine, { octets: 1_000_000 });
    accepted(await isp.access(login()));
    await openSubscriber(engine, { octets: 1, password: 'new', version: 2 });
    expect(await isp.access(login())).toMatchObject({ kind: 'rejected' });
    expect(await isp.access(login({ password: 'new' }))).toMatchObject({ kind: 'accepted' });
  });

  it('cuts the session at the second at which it expires', async () => {
    const expiresAt = Date.now() + 100_500;
    await openSubscriber(engine, { octets: 1_000_000, access: { expiresAt } });
    const { terms } = accepted(await isp.access(login()));
    expect(terms.sessionSecondsMax).toBe(100);
  });

  it('is one too many beside as many live sessions as may be, but not from the same device', async () => {
    await openSubscriber(engine, { octets: 1_000_000, access: { sessionsMax: 1 } });
    await begin();
    const elsewhere = login({ station: '02:00:00:00:00:02' });
    expect(await isp.access(elsewhere)).toMatchObject({ reason: 'too-many-sessions' });
    accepted(await isp.access(login()));
  });

  it('is locked out after three wrong passwords, and others are not', async () => {
    await openSubscriber(engine, { octets: 1_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000 });
    const wrong = login({ password: 'x' });
    for (let resend = 0; resend < 5; resend += 1) await isp.access(wrong);
    accepted(await isp.access(login()));
    for (const attempt of [1, 2, 3]) {
      await isp.access(login({ password: `guess ${attempt}`, station: null }));
    }
    expect(await isp.access(login({ station: null }))).toMatchObject({ reason: 'locked-out' });
    const ben = login({
      identities: [{ kind: 'user-name', value: 'ben' }],
      station: '02:00:00:00:00:09',
    });
    accepted(await isp.access(ben));
  });

  it('by a method that its credential cannot be checked with is told so, and locks nobody out', async () => {
    await openSubscriber(engine, { octets: 1_000_000 });
    const proof: AccessProof = { method: 'chap', verify: () => 'unsupported' };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(await isp.access(login({ proof }))).toMatchObject({ reason: 'method-unsupported' });
    }
    accepted(await isp.access(login()));
  });

  it('is locked out with its device, whatever name it tries, and the name is not', async () => {
    await openSubscriber(engine, { octets: 1_000_000 });
    const station = '02:00:00:00:00:0A';
    for (const value of ['nobody', 'noone', 'anna']) {
      await isp.access(
        login({ identities: [{ kind: 'user-name', value }], password: 'x', station }),
      );
    }
    expect(await isp.access(login({ station }))).toMatchObject({ reason: 'locked-out' });
    accepted(await isp.access(login()));
  });

  it('is not looked at while its name is locked out, and nobody else waits for it', async () => {
    await openSubscriber(engine, { octets: 1_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000 });
    for (const guess of ['1', '2', '3']) {
      await isp.access(login({ password: guess, station: null }));
    }
    let looks = 0;
    const proof: AccessProof = {
      method: 'pap',
      verify: () => {
        looks += 1;
        return 'wrong';
      },
    };
    const attack = Array.from({ length: 300 }, () => isp.access(login({ proof, station: null })));
    const ben = await isp.access(
      login({
        identities: [{ kind: 'user-name', value: 'ben' }],
        station: '02:00:00:00:00:09',
      }),
    );
    accepted(ben);
    const reasons = await Promise.all(attack);
    expect(new Set(reasons.map((each) => each.kind === 'rejected' && each.reason))).toEqual(
      new Set(['locked-out']),
    );
    expect(looks).toBe(0);
  });

  it('is locked out by what it failed at elsewhere, too', async () => {
    await openSubscriber(engine, { octets: 1_000_000 });
    const elsewhere = await ispProcess(engine);
    accepted(await isp.access(login()));
    for (const guess of ['1', '2', '3']) await elsewhere.access(login({ password: guess }));
    expect(await isp.access(login())).toMatchObject({ reason: 'locked-out' });
  });

  it('ends the count of what it failed at elsewhere', async () => {
    await openSubscriber(engine, { octets: 1_000_000 });
    const elsewhere = await ispProcess(engine);
    accepted(await isp.access(login()));
    for (const guess of ['1', '2', '3', '4']) {
      const station = `02:00:00:00:01:0${guess}`;
      await elsewhere.access(login({ password: guess, station }));
      accepted(await isp.access(login({ station: null })));
    }
  });

  it('of somebody who is known and has not failed is decided in one round trip', async () => {
    await openSubscriber(engine, { octets: 1_000_000 });
    accepted(await isp.access(login()));
    const exists = vi.spyOn(engine.redis, 'exists');
    const together = Array.from({ length: 20 }, () => isp.access(login()));
    for (const decision of await Promise.all(together)) accepted(decision);
    expect(exists).not.toHaveBeenCalled();
    exists.mockRestore();
  });

  it('goes into the garden where the plan has one for those without credit', async () => {
    await openIsp(
      engine,
      {
        plans: [
          { ...HOME, noCredit: 'garden', garden: { addressList: 'pay', sessionSecondsMax: 600 } },
        ],
      },
      2,
    );
    isp = await ispProcess(engine);
    await openSubscriber(engine, { octets: 0 });
    const { terms, session } = accepted(await isp.access(login()));
    expect(terms).toMatchObject({ addressList: 'pay', sessionSecondsMax: 600 });
    expect(terms.totalOctetsMax).toBeUndefined();
    // What is used there costs nothing.
    await isp.accounting(
      report({ handle: session, status: 'stop', counters: counters(5, 5), sessionSeconds: 9 }),
    );
    expect(await balance()).toEqual({ left: 0, reserved: 0 });
  });
});

describe('the garden', () => {
  const own = { kind: 'nas-pool', name: 'homes' } as const;
  const poor = { kind: 'nas-pool', name: 'poor' } as const;
  const slow = { uploadBitsPerSecond: 64_000, downloadBitsPerSecond: 64_000 };
  const pools = [
    { code: 'unpaid', ranges: [{ first: '10.9.0.1', last: '10.9.0.1' }], restSeconds: 0 },
  ];

  async function open(garden: AccessPlan['garden']): Promise<void> {
    const plan: AccessPlan = {
      ...HOME,
      noCredit: 'garden',
      expired: 'garden',
      services: { pppoe: { address: own, addressList: 'paid', profile: 'gold' } },
      ...(garden !== undefined && { garden }),
    };
    await openIsp(engine, { plans: [plan], pools }, 2);
    isp = await ispProcess(engine);
  }

  it.each([
    ['a pool of the NAS', { address: poor }, { ipv4: { kind: 'pool', name: 'poor' } }],
    [
      'a pool of ours',
      { address: { kind: 'pool', code: 'unpaid' } },
      { ipv4: { kind: 'fixed', address: '10.9.0.1' } },
    ],
    [
      'a low speed and a page, at the address of the plan',
      { speed: slow, redirectUrl: 'https://pay.example/' },
      { speed: slow, redirectUrl: 'https://pay.example/', ipv4: { kind: 'pool', name: 'homes' } },
    ],
    [
      'a list, a profile and filters in place of those of the plan',
      { addressList: 'unpaid', profile: 'tin', filters: ['wall'] },
      { addressList: 'unpaid', profile: 'tin', filters: ['wall'] },
    ],
  ] as const)('has %s', async (_name, garden, terms) => {
    await open(garden);
    await openSubscriber(engine, { octets: 0 });
    const admitted = accepted(await isp.access(login()));
    expect(admitted.terms).toMatchObject(terms);
    expect(admitted.terms.addressList).not.toBe('paid');
  });

  it('is where a subscriber is let in whose access has expired, and stays', async () => {
    await open({ address: poor });
    await openSubscriber(engine, { octets: 1_000, access: { expiresAt: Date.now() - 1 } });
    const { terms } = accepted(await isp.access(login()));
    expect(terms).toMatchObject({ ipv4: { kind: 'pool', name: 'poor' } });
    expect(await balance()).toEqual({ left: 1_000, reserved: 0 });
  });
});

describe('a plan', () => {
  async function use(plan: Partial<AccessPlan>, subscriber: Parameters<typeof openSubscriber>[1]) {
    await openIsp(engine, { plans: [{ ...HOME, ...plan }] }, 2);
    isp = await ispProcess(engine);
    await openSubscriber(engine, subscriber);
    const { session, terms } = accepted(await isp.access(login()));
    await isp.accounting(report({ handle: session, status: 'start' }));
    for (const status of ['interim', 'stop'] as const) {
      await isp.accounting(
        report({ handle: session, status, counters: counters(30, 500), sessionSeconds: 60 }),
      );
    }
    return terms;
  }

  it('of validity alone lets in until its end, and charges nothing', async () => {
    const terms = await use(
      { charges: { volume: null, time: false } },
      { access: { expiresAt: Date.now() + 1_000_500 } },
    );
    expect(terms.sessionSecondsMax).toBe(1_000);
    expect(terms).not.toHaveProperty('totalOctetsMax');
    expect(await balance()).toEqual({ left: 0, reserved: 0 });
  });

  it.each([
    ['of time charges the seconds online', { volume: null, time: true }, 600 - 60, 1_000],
    ['of downloads charges those', { volume: 'download', time: false }, 600, 1_000 - 500],
    ['of uploads charges those', { volume: 'upload', time: false }, 600, 1_000 - 30],
    ['of both charges both', { volume: 'total', time: true }, 600 - 60, 1_000 - 530],
  ] as const)('%s', async (_name, charges, secondsLeft, octetsLeft) => {
    await use({ charges }, { seconds: 600, octets: 1_000 });
    const buckets = (await readAccount(engine, 0, 'anna'))?.buckets ?? [];
    const left = Object.fromEntries(
      buckets.map(({ resource, remaining }) => [resource, remaining]),
    );
    expect(left).toEqual({ seconds: secondsLeft, octets: octetsLeft });
  });
});

describe('an address of a pool', () => {
  const pools = [
    { code: 'one', ranges: [{ first: '10.0.0.1', last: '10.0.0.1' }], restSeconds: 0 },
  ];
  const services = { pppoe: { address: { kind: 'pool', code: 'one' } } } as const;
  const ben = { identities: [{ kind: 'user-name', value: 'ben' }], station: null } as const;

  it('is one session only, until its end, also where its NAS does not name it', async () => {
    await openIsp(engine, { plans: [{ ...HOME, services }], pools }, 2);
    isp = await ispProcess(engine);
    await openSubscriber(engine, { octets: 1_000_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000_000 });
    const { session, terms } = accepted(await isp.access(login()));
    expect(terms.ipv4).toEqual({ kind: 'fixed', address: '10.0.0.1' });
    await isp.accounting(report({ handle: session, status: 'start' }));
    const leases = engine.keys.leases('one');
    const until = Number(await engine.redis.zscore(leases, '167772161'));
    expect(until).toBeGreaterThan(Date.now() + 4 * 300_000);
    expect(await isp.access(login(ben))).toMatchObject({ reason: 'no-address' });
    expect(await balance('ben')).toEqual({ left: 1_000_000_000, reserved: 0 });
    await isp.accounting(report({ handle: session, status: 'stop', sessionSeconds: 5 }));
    expect(await isp.access(login(ben))).toMatchObject({ terms: { ipv4: terms.ipv4 } });
  });

  /** Anna's session with the only address. */
  async function beginWithAddress(): Promise<SessionHandle> {
    await openIsp(engine, { plans: [{ ...HOME, services }], pools }, 2);
    isp = await ispProcess(engine);
    await openSubscriber(engine, { octets: 1_000_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000_000 });
    return begin({ address: '10.0.0.1' });
  }

  it('is free after a Stop that was overtaken, too', async () => {
    const handle = await beginWithAddress();
    const address = '10.0.0.1';
    await isp.accounting(
      report({ handle, address, counters: counters(0, 500), sessionSeconds: 60 }),
    );
    const stop = report({ handle, address, status: 'stop', sessionSeconds: 59 });
    await isp.accounting(stop);
    accepted(await isp.access(login(ben)));
  });

  it('is not given back to a session whose Start is sent again after its Stop', async () => {
    const handle = await beginWithAddress();
    const address = '10.0.0.1';
    const start = report({ handle, address, status: 'start' });
    await isp.accounting(report({ handle, address, status: 'stop', sessionSeconds: 5 }));
    await isp.accounting(start);
    await isp.accounting(report({ handle, address, sessionSeconds: 5 }));
    accepted(await isp.access(login(ben)));
  });

  it("is nobody else's before the first report is due, where the Start was lost", async () => {
    const interim = { minSeconds: 600, maxSeconds: 600 };
    await openIsp(engine, { plans: [{ ...HOME, services, interim }], pools }, 2);
    isp = await ispProcess(engine);
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const { terms } = accepted(await isp.access(login()));
    const until = Number(await engine.redis.zscore(engine.keys.leases('one'), '167772161'));
    expect(until).toBeGreaterThan(Date.now() + 1.1 * (terms.interimSeconds ?? 0) * 1000);
  });

  it('stays with its session when the pool has another name, and when ranges change pools', async () => {
    const handle = await beginWithAddress();
    const two = { first: '10.0.0.2', last: '10.0.0.2' };
    const renamed = { code: 'homes', ranges: [...(pools[0]?.ranges ?? []), two], restSeconds: 0 };
    const of = { pppoe: { address: { kind: 'pool', code: 'homes' } } } as const;
    await openIsp(engine, { plans: [{ ...HOME, services: of }], pools: [renamed] }, 3);
    isp = await ispProcess(engine);
    const other = accepted(await isp.access(login(ben)));
    expect(other.terms.ipv4).toEqual({ kind: 'fixed', address: '10.0.0.2' });
    await isp.accounting(report({ handle, sessionSeconds: 60 }));
    await isp.accounting(report({ handle, status: 'stop', sessionSeconds: 90 }));
    await openSubscriber(engine, { name: 'carl', octets: 1_000_000_000 });
    const carl = login({ identities: [{ kind: 'user-name', value: 'carl' }], station: null });
    expect(accepted(await isp.access(carl)).terms.ipv4).toEqual({
      kind: 'fixed',
      address: '10.0.0.1',
    });
  });

  it('stays with its session when the pool has had its addresses before', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000_000 });
    const homes = { code: 'homes', ranges: pools[0]?.ranges ?? [], restSeconds: 0 };
    const of = { pppoe: { address: { kind: 'pool', code: 'homes' } } } as const;
    await openIsp(engine, { plans: [{ ...HOME, services: of }], pools: [homes] }, 2);
    isp = await ispProcess(engine);
    const { session: gone } = accepted(await isp.access(login()));
    await isp.accounting(report({ handle: gone, status: 'start' }));
    await isp.accounting(report({ handle: gone, status: 'stop', sessionSeconds: 90 }));
    await openIsp(engine, { plans: [{ ...HOME, services }], pools }, 3);
    isp = await ispProcess(engine);
    const { session, terms } = accepted(await isp.access(login()));
    expect(terms.ipv4).toEqual({ kind: 'fixed', address: '10.0.0.1' });
    await isp.accounting(report({ handle: session, status: 'start' }));
    await openIsp(engine, { plans: [{ ...HOME, services: of }], pools: [homes] }, 4);
    isp = await ispProcess(engine);
    expect(await isp.access(login(ben))).toMatchObject({ reason: 'no-address' });
  });

  it('is the same for a device that logs in again before it has begun', async () => {
    await openIsp(engine, { plans: [{ ...HOME, services }], pools }, 2);
    isp = await ispProcess(engine);
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const { session } = accepted(await isp.access(login()));
    const again = accepted(await isp.access(login()));
    expect(again.terms.ipv4).toEqual({ kind: 'fixed', address: '10.0.0.1' });
    // One that has begun keeps it.
    await isp.accounting(report({ handle: again.session, status: 'start' }));
    expect(await isp.access(login())).toMatchObject({ reason: 'no-address' });
    expect(session).not.toEqual(again.session);
  });
});

describe('reports', () => {
  it('charge what the totals grew by, once, and the end gives the rest back', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const handle = await begin();
    const first = report({ handle, counters: counters(100, 900), sessionSeconds: 60 });
    await isp.accounting(first);
    await isp.accounting(first);
    expect((await balance()).left).toBe(999_999_000);
    const stop = report({
      handle,
      status: 'stop',
      counters: counters(200, 1_800),
      sessionSeconds: 90,
    });
    await isp.accounting(stop);
    await isp.accounting(stop);
    expect(await balance()).toEqual({ left: 999_998_000, reserved: 0 });
    await isp.accounting(first);
    expect(await balance()).toEqual({ left: 999_998_000, reserved: 0 });
  });

  it('without our Class are of the session that was admitted, also after its end', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    accepted(await isp.access(login({ sessionKey: 'radius:bng:81000001' })));
    await isp.accounting(report({ status: 'start' }));
    await isp.accounting(report({ counters: counters(0, 500), sessionSeconds: 60 }));
    const stop = report({ status: 'stop', counters: counters(0, 700), sessionSeconds: 80 });
    await isp.accounting(stop);
    await isp.accounting(report({ counters: counters(0, 500), sessionSeconds: 60 }));
    await isp.accounting(stop);
    expect(await balance()).toEqual({ left: 999_999_300, reserved: 0 });
  });

  it.each([
    ['of sessions that logged in', true],
    ['of sessions that nobody admitted', false],
  ])('without our Class are charged however often an id is used again, %s', async (_, admitted) => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const day = 24 * 3_600_000;
    for (let round = 1; round <= 7; round += 1) {
      if (admitted) accepted(await isp.access(login({ sessionKey: 'radius:bng:81000001' })));
      const eventAt = Date.now() + round * day;
      const said = { eventAt, counters: counters(0, 500), sessionSeconds: 60 };
      for (const status of ['start', 'interim', 'stop'] as const) {
        const words = status === 'start' ? { status, eventAt } : { ...said, status };
        expect(await isp.accounting(report(words))).toEqual({ kind: 'recorded' });
      }
      expect(await balance()).toEqual({ left: 1_000_000_000 - round * 500, reserved: 0 });
    }
  });

  it('without our Class are of the last login by their id, where the Stop before was lost', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const again = login({ sessionKey: 'radius:bng:81000001' });
    const { session: lost } = accepted(await isp.access(again));
    await isp.accounting(report({ status: 'start' }));
    await isp.accounting(report({ counters: counters(0, 500), sessionSeconds: 7_200 }));
    const { session } = accepted(await isp.access({ ...again, requestKey: 'another' }));
    await isp.accounting(report({ status: 'start' }));
    await isp.accounting(report({ counters: counters(0, 300), sessionSeconds: 60 }));
    expect((await balance()).left).toBe(1_000_000_000 - 800);
    const stateOf = async ({ nonce }: SessionHandle) =>
      (await readTrackedSession(engine, 0, `radius:${nonce}`))?.state;
    expect([await stateOf(lost), await stateOf(session)]).toEqual(['ended', 'started']);
  });

  it('that go on after a login in the midst of their session are charged on', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const id = { sessionKey: 'radius:bng:81000001' };
    const { session } = accepted(await isp.access(login(id)));
    await isp.accounting(report({ ...id, handle: session, status: 'start' }));
    const so = { ...id, handle: session, counters: counters(0, 500), sessionSeconds: 3_600 };
    await isp.accounting(report(so));
    // An access point has its stations log in again now and then, and counts on.
    const { session: again } = accepted(await isp.access(login(id)));
    const on = { ...id, handle: again, counters: counters(0, 700), sessionSeconds: 3_660 };
    await isp.accounting(report(on));
    expect((await balance()).left).toBe(1_000_000_000 - 700);
    // The second login began nothing: it ends as one without a start, and is remembered all the same.
    const member = `s:radius:${again.nonce}`;
    for (const hours of [1, 30]) {
      await sweepTimer(engine, { partition: 0, member }, Date.now() + hours * 3_600_000);
    }
    const last = { ...id, handle: again, counters: counters(0, 800), sessionSeconds: 3_700 };
    await isp.accounting(report({ ...last, status: 'stop' }));
    expect(await balance()).toEqual({ left: 1_000_000_000 - 800, reserved: 0 });
    const { state } = (await readTrackedSession(engine, 0, `radius:${session.nonce}`)) ?? {};
    expect(state).toBe('ended');
  });

  it('of a session whose start was lost are its own, where its id was used before', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const id = { sessionKey: 'radius:bng:81000001' };
    await begin(id);
    const { session } = accepted(await isp.access(login(id)));
    const first = { ...id, handle: session, counters: counters(0, 700), sessionSeconds: 5 };
    await isp.accounting(report(first));
    expect((await readTrackedSession(engine, 0, `radius:${session.nonce}`))?.state).toBe('started');
  });

  it('of a session that nobody admitted are charged, of an old one that is forgotten they are not', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    await isp.accounting(report({ counters: counters(0, 500), sessionSeconds: 60 }));
    expect((await balance()).left).toBe(999_999_500);
    const old = report({
      sessionKey: 'radius:bng:81000009',
      status: 'stop',
      counters: counters(0, 500),
      sessionSeconds: 100_000,
    });
    expect(await isp.accounting(old)).toEqual({ kind: 'ignored' });
    expect((await balance()).left).toBe(999_999_500);
  });

  it('of a new session on the same device end the one whose Stop was lost', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const lost = await begin();
    await isp.accounting(report({ handle: lost, counters: counters(0, 500), sessionSeconds: 60 }));
    await begin({ sessionKey: 'radius:bng:81000002' });
    const before = await readTrackedSession(engine, 0, `radius:${lost.nonce}`);
    expect(before?.state).toBe('ended');
    // Its last report comes after all: charged once, and it stays ended.
    const late = report({ handle: lost, counters: counters(0, 800), sessionSeconds: 70 });
    await isp.accounting(late);
    await isp.accounting(late);
    expect((await balance()).left).toBe(999_999_200);
    expect((await readTrackedSession(engine, 0, `radius:${lost.nonce}`))?.state).toBe('ended');
  });

  it('that a NAS starts or stops end all of its sessions that were before', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const handle = await begin();
    const on = { nas: 'bng', networkScope: 'isp', device: null, receivedAt: 0, context: {} };
    await isp.accounting({ kind: 'nas', change: 'on', eventAt: Date.now(), ...on });
    expect((await readTrackedSession(engine, 0, `radius:${handle.nonce}`))?.state).toBe('ended');
    expect((await balance()).reserved).toBe(0);
  });

  it('with a new boot mark end the sessions of the old one, and not those of the new', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000_000 });
    const old = await begin({ bootMark: '1', station: null });
    const ben = login({ identities: [{ kind: 'user-name', value: 'ben' }], station: null });
    const { session } = accepted(await isp.access(ben));
    const start = report({
      handle: session,
      identities: ben.identities,
      sessionKey: 'radius:bng:81200001',
      status: 'start',
      bootMark: '2',
    });
    await isp.accounting(start);
    await isp.accounting(report({ handle: old, bootMark: '1', sessionSeconds: 1 }));
    expect((await readTrackedSession(engine, 0, `radius:${old.nonce}`))?.state).toBe('ended');
    expect((await readTrackedSession(engine, 0, `radius:${session.nonce}`))?.state).toBe('started');
  });

  it('with a new boot mark leave those alone that have logged in and not begun yet', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000_000 });
    await begin({ bootMark: '1', station: null });
    const ben = login({ identities: [{ kind: 'user-name', value: 'ben' }], station: null });
    const { session: waiting } = accepted(await isp.access(ben));
    // The router is up again, and everybody logs in at once.
    await begin({ sessionKey: 'radius:bng:81200001', bootMark: '2', station: null });
    expect((await readTrackedSession(engine, 0, `radius:${waiting.nonce}`))?.state).toBe(
      'provisional',
    );
  });

  it('with a boot mark of long ago leave those alone that were heard of since', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000_000 });
    const live = await begin({ bootMark: '3', station: null });
    const ben = login({ identities: [{ kind: 'user-name', value: 'ben' }], station: null });
    const { session } = accepted(await isp.access(ben));
    // A proxy kept it while we could not be reached.
    await isp.accounting(
      report({
        ...{ handle: session, identities: ben.identities, sessionKey: 'radius:bng:81100001' },
        ...{ status: 'start', bootMark: '1', station: null, eventAt: Date.now() - 3_600_000 },
      }),
    );
    expect((await readTrackedSession(engine, 0, `radius:${live.nonce}`))?.state).toBe('started');
  });

  it('of another device at a port that many share end nobody', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const port = 'wlan/0';
    const phone = await begin({ port });
    const station = canonicalMac('02:00:00:00:00:02');
    const { session: laptop } = accepted(await isp.access(login({ station })));
    await isp.accounting(
      report({
        ...{ handle: laptop, status: 'start', sessionKey: 'radius:bng:81000002' },
        ...{ station, port },
      }),
    );
    const stateOf = async ({ nonce }: { readonly nonce: string }) =>
      (await readTrackedSession(engine, 0, `radius:${nonce}`))?.state;
    expect([await stateOf(phone), await stateOf(laptop)]).toEqual(['started', 'started']);
  });

  it('of a session at a port whose device nobody names end the one that was there', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    const place = { port: 'ether1/7', station: null };
    const lost = await begin(place);
    await begin({ ...place, sessionKey: 'radius:bng:81000002' });
    expect((await readTrackedSession(engine, 0, `radius:${lost.nonce}`))?.state).toBe('ended');
  });

  it('with the boot marks of two routers of one range, or the end of one, leave the other alone', async () => {
    await openSubscriber(engine, { octets: 1_000_000_000 });
    await openSubscriber(engine, { name: 'ben', octets: 1_000_000_000 });
    const first = await begin({ bootMark: 'c', device: 'tower 10.0.0.1', station: null });
    const ben = login({ identities: [{ kind: 'user-name', value: 'ben' }], station: null });
    const { session: second } = accepted(await isp.access(ben));
    const ofSecond = {
      ...{ handle: second, identities: ben.identities, sessionKey: 'radius:bng:81f00001' },
      ...{ bootMark: 'f', device: 'tower 10.0.0.2', station: null },
    };
    await isp.accounting(report({ ...ofSecond, status: 'start' }));
    const stateOf = async ({ nonce }: { readonly nonce: string }) =>
      (await readTrackedSession(engine, 0, `radius:${nonce}`))?.state;
    expect([await stateOf(first), await stateOf(second)]).toEqual(['started', 'started']);
    const off = { nas: 'bng', networkScope: 'isp', receivedAt: 0, context: {} };
    const device = 'tower 10.0.0.2';
    await isp.accounting({ kind: 'nas', change: 'off', eventAt: Date.now(), device, ...off });
    expect([await stateOf(first), await stateOf(second)]).toEqual(['started', 'ended']);
  });
});
