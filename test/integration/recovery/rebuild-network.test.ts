/** Network access over a rebuild: sessions go on by their totals, addresses and fair use stay. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  findNetworkRoute,
  readTrackedSession,
  sessionsOfNas,
} from '../../../src/charging/network-sessions.js';
import { leaseAddress } from '../../../src/charging/address-pools.js';
import * as layout from '../../../src/charging/generated/layout.js';
import { pack, unpackBytes, type Packable } from '../../../src/charging/packing.js';
import { provisionAccount } from '../../../src/charging/provisioning.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import {
  claimSteering,
  concludeSteering,
  dueSteering,
  raiseSteering,
} from '../../../src/charging/steering.js';
import type { AccessControl } from '../../../src/credit-control/access/access-control.js';
import type { AccessPlan, AddressPool } from '../../../src/domain/access-plan.js';
import type { SessionHandle, SessionReport } from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { rebuild, type RebuildReport } from '../../../src/recovery/rebuild.js';
import { verify } from '../../../src/recovery/verify.js';
import { stamp } from '../../support/charge-requests.js';
import { HOME, ispProcess, login, openIsp, openSubscriber, report } from '../../support/isp.js';
import { recordedEngine } from '../../support/recorded-engine.js';

const world = recordedEngine();
const WORN = { uploadBitsPerSecond: 1_000_000, downloadBitsPerSecond: 1_000_000 };
const POOL: AddressPool = {
  code: 'homes',
  ranges: [{ first: '100.64.0.1', last: '100.64.0.9' }],
  restSeconds: 0,
};
const PLAN: AccessPlan = {
  ...HOME,
  services: { pppoe: { address: { kind: 'pool', code: 'homes' } } },
  fairUse: [{ id: 'day', period: 'day', counts: 'total', octets: toAmount(10_000), speed: WORN }],
};
const OCTETS = 1_000_000_000;
/** Not what anybody would take for granted. */
const MISSED_MAX = 7;

let isp: AccessControl;
let anna: SessionHandle;
let annaAddress: string;
let ended: SessionHandle;
let rebuiltAt: number;
const began = Date.now();

async function publish(): Promise<void> {
  await openIsp(world.engine, { plans: [PLAN], pools: [POOL] });
}

async function come(name: string): Promise<{ handle: SessionHandle; address: string }> {
  const station = `02:00:00:00:00:${name === 'anna' ? '01' : '02'}`;
  const decision = await isp.access(
    login({ identities: [{ kind: 'user-name', value: name }], station }),
  );
  if (decision.kind !== 'accepted') throw new Error(JSON.stringify(decision));
  const { ipv4 } = decision.terms;
  return { handle: decision.session, address: ipv4?.kind === 'fixed' ? ipv4.address : '' };
}

/** A report of a session of anna's, `octets` down and as much time in seconds. */
function say(handle: SessionHandle, octets: number, more: Partial<SessionReport> = {}) {
  const seconds = Math.floor(octets / 100);
  return isp.accounting(
    report({
      handle,
      address: annaAddress,
      sessionKey: `radius:bng:${handle.nonce.slice(0, 8)}`,
      counters: { uploadOctets: toAmount(0), downloadOctets: toAmount(octets), width: 64 },
      sessionSeconds: seconds,
      eventAt: began + seconds * 1000,
      ...more,
    }),
  );
}

async function left(): Promise<number | undefined> {
  return (await readAccount(world.engine, 0, 'anna'))?.buckets[0]?.remaining;
}

async function rebuildFromRecord(): Promise<RebuildReport> {
  await world.recorded();
  await world.pauseFlusher();
  const { engine, pool, partitions } = world;
  const { instance = '' } = await engine.redis.hgetall(engine.keys.meta);
  const profiles = await engine.redis.keys(`${world.prefix}:id:*`);
  const texts = await Promise.all(profiles.map((key) => engine.redis.get(key)));
  await world.empty();
  rebuiltAt = Date.now();
  const rebuilt = await rebuild(
    { installation: { instanceId: instance, partitions }, missedReportsMax: MISSED_MAX },
    {
      ...{ engine, pool, clock: () => rebuiltAt },
      publish: async () => {
        await publish();
        for (const [index, key] of profiles.entries()) {
          await engine.redis.set(key, texts[index] ?? '');
        }
      },
    },
  );
  world.resumeFlusher();
  isp = await ispProcess(engine);
  return rebuilt;
}

beforeAll(async () => {
  const { engine, pool } = world;
  await pool.query(`INSERT INTO tolld.tenants (id, moniker, name) VALUES ('isp', 'isp', 'isp')`);
  await pool.query(`INSERT INTO tolld.address_pools (code, definition) VALUES ('homes', $1)`, [
    POOL,
  ]);
  await publish();
  for (const name of ['anna', 'berta']) await openSubscriber(engine, { name, octets: OCTETS });
  isp = await ispProcess(engine);
  ({ handle: ended } = await come('anna'));
  annaAddress = '100.64.0.1';
  await say(ended, 0, { status: 'start' });
  await say(ended, 500, { status: 'stop' });
  ({ handle: anna, address: annaAddress } = await come('anna'));
  await say(anna, 0, { status: 'start' });
  await say(anna, 4_000);
  await rebuildFromRecord();
});

const id = (handle: SessionHandle): string => `radius:${handle.nonce}`;

describe('a session of the network, after a rebuild', () => {
  test('is known with its place, its totals and its way', async () => {
    const { engine } = world;
    expect(await readTrackedSession(engine, 0, id(anna))).toMatchObject({
      accountId: 'anna',
      downloadOctets: 4_000,
      seconds: 40,
      limits: [expect.any(Number)],
      network: {
        networkScope: 'isp',
        plan: 'home',
        pointer: { nas: 'bng', userName: 'anna', address: annaAddress, connection: 'pppoe' },
      },
    });
    expect(await sessionsOfNas(engine, 0, 'bng')).toEqual([id(anna)]);
    expect(await findNetworkRoute(engine, 0, id(anna))).toMatchObject({
      ...{ accountId: 'anna', peer: 'bng' },
      identity: { kind: 'user-name', value: 'anna' },
    });
  });

  test('counts as live until it has missed as many reports as the setting lets it', async () => {
    const { engine } = world;
    const { interimSeconds = 0 } = (await readTrackedSession(engine, 0, id(anna))) ?? {};
    expect(interimSeconds).toBeGreaterThan(0);
    const until = await engine.redis.zscore(engine.keys.nasSessions(0, 'bng'), id(anna));
    expect(Number(until)).toBe(rebuiltAt + 4 * interimSeconds * 1_000 * MISSED_MAX);
  });

  test('pays for what it used since then and nothing twice, and so does a late end', async () => {
    expect(await left()).toBe(OCTETS - 4_500);
    await say(anna, 4_000);
    await say(ended, 500, { status: 'stop' });
    expect(await left()).toBe(OCTETS - 4_500);
    await say(anna, 5_000);
    await say(ended, 600, { status: 'stop' });
    expect(await left()).toBe(OCTETS - 5_600);
    // Its NAS keeps no Class: found by the id that it has there.
    await say(ended, 700, { status: 'stop', handle: null });
    expect(await left()).toBe(OCTETS - 5_700);
  });

  test('keeps its address, and nobody gets one while others may have it unknown', async () => {
    const { engine } = world;
    const lease = { pool: POOL, leaseMs: 1_000, owner: 'berta x', sessionId: 'other' };
    expect(await leaseAddress(engine, { ...lease, address: annaAddress })).toBeNull();
    expect(
      await isp.access(login({ identities: [{ kind: 'user-name', value: 'berta' }] })),
    ).toEqual({
      kind: 'rejected',
      reason: 'no-address',
      message: null,
    });
    const later = Date.now() + 600_000;
    const first = await leaseAddress(engine, { ...lease, now: later });
    expect(first).not.toBeNull();
    expect(first).not.toBe(annaAddress);
  });

  test('goes on with what fair use had counted', async () => {
    await say(anna, 9_400);
    expect(await readTrackedSession(world.engine, 0, id(anna))).toMatchObject({
      wanted: { kind: 'fair-use', step: 1 },
    });
  });

  test('leaves books that balance', async () => {
    await world.recorded();
    const { engine, streams, pool, partitions } = world;
    const { findings } = await verify({ partitions }, { engine, streams, pool });
    expect(findings).toEqual([]);
  });

  test('is named where its NAS is thought to have counted less than was paid for', async () => {
    const { engine, streams, pool, partitions } = world;
    const key = engine.keys.session(0, id(anna));
    const kept = (await engine.redis.hgetBuffer(key, 'r')) ?? Buffer.alloc(0);
    const track = unpackBytes(kept) as Packable[];
    track[layout.TRACK_DOWNLOAD_SUM - 1] = 1;
    await engine.redis.hset(key, 'r', pack(track));
    const { findings } = await verify({ partitions }, { engine, streams, pool });
    await engine.redis.hset(key, 'r', kept);
    expect(findings).toMatchObject([{ kind: 'session-carry', sessionId: id(anna) }]);
  });
});

describe('an order for the NAS that was lost with Redis', () => {
  /** What there is to tell the NAS of anna's session. */
  async function order(): Promise<unknown> {
    const { engine } = world;
    const subject = { partition: 0, accountId: 'anna', sessionId: id(anna) };
    const due = await dueSteering(engine, 0, { now: Date.now(), offset: 0, countMax: 10 });
    if (!due.some(({ member }) => member === `s:${subject.sessionId}`)) return null;
    const claimed = await claimSteering(engine, subject, { leaseMs: 1_000 });
    return claimed === null ? null : { kind: claimed.kind, reason: claimed.reason };
  }

  test('to slow its session down is given again with the next report', async () => {
    await rebuildFromRecord();
    expect(await order()).toBeNull();
    await say(anna, 9_500);
    expect(await order()).toEqual({ kind: 're-authorise', reason: 'quota' });
  });

  test('to end the session of a suspended account is given again with the next report', async () => {
    const { engine } = world;
    const suspended = { partition: 0, accountId: 'anna', stamp, profileVersion: 1 };
    await provisionAccount(engine, { ...suspended, standing: 'suspended' });
    await rebuildFromRecord();
    expect(await order()).toBeNull();
    await say(anna, 9_600);
    expect(await order()).toEqual({ kind: 'abort', reason: 'standing' });
  });

  test('by staff, who had not been obeyed yet, is given again at once', async () => {
    const { engine } = world;
    const subject = { partition: 0, accountId: 'anna', sessionId: id(anna) };
    await rebuildFromRecord();
    await raiseSteering(engine, subject, { kind: 'abort', reason: 'demand' });
    const claimed = await claimSteering(engine, subject, { leaseMs: 1_000 });
    if (claimed === null) throw new Error('nothing to send');
    await concludeSteering(engine, claimed, {
      ...{ outcome: 'unanswered', detail: null, againMs: 60_000 },
    });
    const report = await rebuildFromRecord();
    expect(report.ordersAgain).toEqual([{ ...subject, kind: 'abort' }]);
    expect(await order()).toEqual({ kind: 'abort', reason: 'demand' });
  });
});
