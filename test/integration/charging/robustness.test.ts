/** What can break between a front and Redis, or in Redis, broken on purpose. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ChargeOutcome } from '../../../src/charging/charge-outcome.js';
import { charge, settle } from '../../../src/charging/charge.js';
import {
  EngineOutOfMemoryError,
  EngineUnavailableError,
  type Engine,
} from '../../../src/charging/engine.js';
import { ACCOUNT_VERSION, SCHEMA_VERSION } from '../../../src/charging/generated/layout.js';
import { pack, unpackBytes } from '../../../src/charging/packing.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import { readLuaFile, readScripts, type Scripts } from '../../../src/charging/script-loader.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { sweepTimer } from '../../../src/charging/sweeping.js';
import { toAmount } from '../../../src/domain/amounts.js';
import {
  chargeRequest,
  chargeService,
  chargeWindow,
  newBucket,
  rateLine,
  START_MS,
  stamp,
  type RequestParts,
} from '../../support/charge-requests.js';
import { openEngine } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { createEngineSubject } from '../../support/engine-subject.js';
import { startRedis } from '../../support/redis.js';
import { dumpOf } from '../../support/redis-dump.js';
import { startSwallowingProxy, type SwallowingProxy } from '../../support/swallowing-proxy.js';

const request = (parts: RequestParts) => chargeRequest({ now: START_MS, ...parts });

async function funded(engine: Engine): Promise<void> {
  await fundAccount(engine, 'a', [newBucket('free', 'octets', 1_000)]);
}

async function holding(engine: Engine): Promise<readonly number[]> {
  const account = await readAccount(engine, 0, 'a');
  return account?.buckets.flatMap(({ remaining, reserved }) => [remaining, reserved]) ?? [];
}

function grantedBy(outcome: ChargeOutcome): number | string {
  return outcome.kind === 'answered' ? (outcome.services[0]?.granted ?? 0) : outcome.kind;
}

async function lose(redis: Engine['redis'], library: string): Promise<unknown> {
  return redis.call('FUNCTION', 'DELETE', library);
}

describe('a Redis that lost the scripts', () => {
  it.each([
    ['all that it had', async ({ redis }: Engine) => redis.function('FLUSH')],
    ['just these', async ({ redis, scripts }: Engine) => lose(redis, scripts.library.name)],
  ])(
    'is given them again, and every call under way is answered once: %s',
    async (_what, forget) => {
      const own = await startRedis();
      const engine = await openEngine({ url: own.url });
      await funded(engine);
      await forget(engine);
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          charge(
            engine,
            request({ phase: 'initial', number: 0, want: 10, sessionId: `s${index}` }),
          ),
        ),
      );
      expect(outcomes.map(grantedBy)).toEqual(Array.from({ length: 50 }, () => 10));
      expect(await holding(engine)).toEqual([1_000, 500]);
    },
  );

  it('prices what was used by the prices that it was reserved at, before and after they change', async () => {
    const own = await startRedis();
    const engine = await openEngine({ url: own.url });
    await fundAccount(engine, 'a', [newBucket('purse', 'EUR', 100_000)]);
    const changeAt = START_MS + 60_000;
    const priceOf = (num: number) =>
      rateLine({ id: `at ${num}`, tiers: [{ from: 0, num, den: 1 }] });
    const day = chargeWindow(priceOf(3), { untilMs: changeAt });
    const night = chargeWindow(priceOf(2), { fromMs: changeAt });
    const reserving = { want: toAmount(100), windows: [day, night] };
    const opened = await charge(
      engine,
      request({ phase: 'initial', number: 0, services: [chargeService(reserving)] }),
    );
    expect(opened).toMatchObject({ services: [{ granted: 100, tariffChangeAt: changeAt }] });
    await lose(engine.redis, engine.scripts.library.name);
    const dearer = [chargeWindow(priceOf(50))];
    const used = { used: toAmount(10), usedAfter: toAmount(20), windows: dearer };
    const closed = await charge(
      engine,
      request({
        ...{ phase: 'terminate', number: 1, services: [chargeService(used)] },
        now: changeAt + 1,
      }),
    );
    expect(closed).toMatchObject({ services: [{ cost: 10 * 3 + 20 * 2, currency: 'EUR' }] });
    expect(await holding(engine)).toEqual([100_000 - 70, 0]);
  });
});

describe('a Redis that wants a replica and has none', () => {
  it('is asked again until it has one', async () => {
    const own = await startRedis();
    const engine = await openEngine({ url: own.url });
    await funded(engine);
    await engine.redis.config('SET', 'min-replicas-to-write', '1');
    let isAnswered = false;
    const call = charge(engine, request({ phase: 'initial', number: 0, want: 10 }));
    void call.then(() => (isAnswered = true));
    const refused = /errorstat_NOREPLICAS:count=([2-9]|\d\d)/;
    await expect.poll(() => engine.redis.info('errorstats')).toMatch(refused);
    expect(isAnswered).toBe(false);
    await engine.redis.config('SET', 'min-replicas-to-write', '0');
    expect(grantedBy(await call)).toBe(10);
  });
});

describe('a Redis that is killed and started again between two calls', () => {
  it('has kept what was answered, and charges nothing twice', { timeout: 60_000 }, async () => {
    const own = await startRedis();
    const engine = await openEngine({ url: own.url, commandTimeoutMs: 1_000, reopens: true });
    await funded(engine);
    const requests = [
      request({ phase: 'initial', number: 0, want: 100 }),
      request({ phase: 'update', number: 1, used: 40, want: 100 }),
      request({ phase: 'terminate', number: 2, used: 60 }),
    ];
    for (const each of requests) {
      const first = await charge(engine, each);
      await own.kill();
      await own.start();
      const again = await charge(engine, each);
      expect(again).toEqual({ ...first, repeated: true });
    }
    expect(await holding(engine)).toEqual([900, 0]);
  });

  it('answers a call that was made while it was away, as soon as it is back', async () => {
    const own = await startRedis();
    const engine = await openEngine({ url: own.url, commandTimeoutMs: 1_000, reopens: true });
    await funded(engine);
    await own.kill();
    const call = charge(engine, request({ phase: 'initial', number: 0, want: 100 }));
    await own.start();
    expect(grantedBy(await call)).toBe(100);
    expect(await holding(engine)).toEqual([1_000, 100]);
  });

  it('is said to be unavailable when it stays away, in the time that a request has', async () => {
    const own = await startRedis();
    const engine = await openEngine({
      url: own.url,
      commandTimeoutMs: 200,
      requestTimeoutMs: 600,
    });
    await funded(engine);
    await own.kill();
    const begun = performance.now();
    await expect(
      charge(engine, request({ phase: 'initial', number: 0, want: 100 })),
    ).rejects.toBeInstanceOf(EngineUnavailableError);
    expect(performance.now() - begun).toBeLessThan(1_500);
  });
});

describe('a reply that is lost after the script has run', () => {
  let proxy: SwallowingProxy;
  beforeAll(async () => {
    proxy = await startSwallowingProxy(inject('redisUrl'));
  });
  afterAll(async () => {
    await proxy.close();
  });

  it.each(['cut', 'hang'] as const)(
    'is had again in time, and nothing is charged twice: the connection is %s',
    async (loss) => {
      const engine = await openEngine({
        url: proxy.url,
        commandTimeoutMs: 300,
        requestTimeoutMs: 5_000,
      });
      await funded(engine);
      const subject = createEngineSubject(engine);
      await charge(engine, request({ phase: 'initial', number: 0, want: 100 }));
      await subject.newEntries(0);
      const before = proxy.lost;
      proxy.loseReplyTo('lost-reply', loss);
      const update = request({
        phase: 'update',
        number: 1,
        services: [
          chargeService({ used: toAmount(40), want: toAmount(100), reason: 'lost-reply' }),
        ],
      });
      const begun = performance.now();
      const outcome = await charge(engine, update);
      expect(performance.now() - begun).toBeLessThan(4_000);
      expect(proxy.lost).toBeGreaterThan(before);
      expect(grantedBy(outcome)).toBe(100);
      // The second call found the first one's work done.
      expect(outcome).toMatchObject({ repeated: true });
      expect(await holding(engine)).toEqual([960, 100]);
      expect(await subject.newEntries(0)).toHaveLength(1);
    },
  );

  it.each(['cut', 'hang'] as const)(
    'counts a credit once too: the connection is %s',
    async (loss) => {
      const engine = await openEngine({
        url: proxy.url,
        commandTimeoutMs: 300,
        requestTimeoutMs: 5_000,
      });
      await funded(engine);
      proxy.loseReplyTo('lost-credit', loss);
      const outcome = await creditAccount(engine, {
        partition: 0,
        accountId: 'a',
        intentNumber: 2,
        intentId: 'lost-credit',
        kind: 'top-up',
        reason: null,
        operations: [{ operation: 'add', bucketId: 'free', amount: toAmount(5) }],
        stamp,
        now: START_MS,
      });
      expect(outcome.kind).toBe('repeated');
      expect(await holding(engine)).toEqual([1_005, 0]);
    },
  );
});

describe('state that a newer version wrote', () => {
  it('is refused, and stays as it is', async () => {
    const engine = await openEngine();
    await funded(engine);
    const name = engine.keys.account(0, 'a');
    const fields = unpackBytes((await engine.redis.getBuffer(name))!) as never[];
    fields[ACCOUNT_VERSION - 1] = (SCHEMA_VERSION + 1) as never;
    await engine.redis.set(name, pack(fields));
    const before = await dumpOf(engine);
    expect(await charge(engine, request({ phase: 'initial', number: 0, want: 1 }))).toEqual({
      kind: 'refused',
      refusal: 'newer-state',
    });
    await expect(
      provisionAccount(engine, {
        partition: 0,
        accountId: 'a',
        standing: 'suspended',
        profileVersion: 1,
        stamp,
      }),
    ).rejects.toThrow();
    expect(await sweepTimer(engine, { partition: 0, member: 'a:a' }, START_MS)).toEqual({
      kind: 'not-due',
    });
    expect(await dumpOf(engine)).toEqual(before);
  });
});

describe('a Redis whose memory is out', () => {
  it('refuses what may grow, and takes reports, ends and sweeps', { timeout: 60_000 }, async () => {
    const own = await startRedis();
    const engine = await openEngine({ url: own.url });
    await funded(engine);
    const started = ['s', 't', 'u'];
    for (const sessionId of started) {
      await charge(engine, request({ phase: 'initial', number: 0, want: 100, sessionId }));
    }
    // Less than an empty server needs: from now on memory is out.
    await engine.redis.config('SET', 'maxmemory', '100kb');
    const before = await dumpOf(engine);
    await expect(
      charge(engine, request({ phase: 'initial', number: 0, want: 10, sessionId: 'new' })),
    ).rejects.toBeInstanceOf(EngineOutOfMemoryError);
    await expect(
      charge(engine, request({ phase: 'update', number: 1, used: 40, want: 100 })),
    ).rejects.toBeInstanceOf(EngineOutOfMemoryError);
    expect(await dumpOf(engine)).toEqual(before);

    const reported = await settle(
      engine,
      request({ phase: 'update', number: 1, used: 40, want: 100 }),
    );
    expect(reported).toMatchObject({ services: [{ result: 'service-denied', granted: 0 }] });
    expect(await holding(engine)).toEqual([960, 200]);
    const ended = request({ phase: 'terminate', number: 1, used: 60, sessionId: 't' });
    expect(await settle(engine, ended)).toMatchObject({ services: [{ result: 'settled' }] });
    expect(await settle(engine, ended)).toMatchObject({ repeated: true });
    expect(await holding(engine)).toEqual([900, 100]);
    const silent = { partition: 0, member: 's:u' };
    expect(await sweepTimer(engine, silent, START_MS + 86_400_000)).toEqual({ kind: 'expired' });
    expect(await holding(engine)).toEqual([900, 0]);
  });
});

/** The scripts, one of whose calls does not get on before or behind its first write. */
function scriptsThatHalt(where: 'before' | 'behind'): Scripts {
  const entry = readLuaFile('include/write_entry');
  const [head = ''] = /^local function write_entry\(.*\n/m.exec(entry) ?? [];
  // Before it wrote, it may be killed; behind, it must end by itself.
  const halt = where === 'before' ? 'while true do end' : `for _ = 1, ${HALT_TURNS} do end`;
  const once = `if not halted then halted = true ${halt} end\n`;
  const halting =
    where === 'before'
      ? entry.replace(head, `local halted = false\n${head}${once}`)
      : `local halted = false\n${entry.replace(/^end$/m, `${once}end`)}`;
  if (halting.split('halted').length !== 4) throw new Error('write_entry.lua reads otherwise');
  return readScripts((file) => (file === 'include/write_entry' ? halting : readLuaFile(file)));
}
/** Some tenths of a second, on any machine longer than the server waits to say that it is busy. */
const HALT_TURNS = 200_000_000;

describe('a script that does not get on', () => {
  it.each([
    ['alone', 'before', 'OK'],
    ['alone', 'behind', 'UNKILLABLE'],
    ['in a batch', 'before', 'OK'],
    ['in a batch', 'behind', 'UNKILLABLE'],
  ] as const)(
    'is answered once, by a caller that waits: called %s, to be killed %s its first write',
    { timeout: 120_000 },
    async (how, where, said) => {
      const own = await startRedis();
      const engine = await openEngine({
        url: own.url,
        commandTimeoutMs: 60_000,
        requestTimeoutMs: 60_000,
      });
      await funded(engine);
      await engine.redis.config('SET', 'busy-reply-threshold', '20');
      const halting = { ...engine, scripts: scriptsThatHalt(where) };
      const other = await openEngine({ url: own.url });
      let isAnswered = false;
      const update = request({ phase: 'initial', number: 0, used: 40, want: 100 });
      const outcome = charge(halting, update).finally(() => {
        isAnswered = true;
      });
      const beside =
        how === 'alone'
          ? []
          : [
              charge(
                halting,
                request({ phase: 'initial', number: 0, want: 50, sessionId: 'beside' }),
              ),
            ];
      const replies = new Set<string>();
      while (!isAnswered) {
        const reply = await other.redis
          .function('KILL')
          .catch((error: unknown) => (error as Error).message.split(' ')[0] ?? '');
        replies.add(String(reply));
      }
      expect(await outcome).toMatchObject({ kind: 'answered', repeated: false });
      expect([...replies]).toContain(said);
      for (const each of await Promise.all(beside)) expect(grantedBy(each)).toBe(50);
      expect(await holding(engine)).toEqual([960, 100 + 50 * beside.length]);
      expect(await charge(engine, update)).toEqual({ ...(await outcome), repeated: true });
    },
  );
});

describe('a session of very many services', () => {
  it('ends as a whole', { timeout: 60_000 }, async () => {
    const engine = await openEngine();
    await fundAccount(engine, 'a', [newBucket('free', 'octets', 100_000)]);
    const services = (from: number, want: number | null) =>
      Array.from({ length: 100 }, (_, index) =>
        chargeService({
          key: String(from + index),
          want: want === null ? null : toAmount(want),
        }),
      );
    for (let part = 0; part < 50; part += 1) {
      const outcome = await charge(
        engine,
        request({
          phase: part === 0 ? 'initial' : 'update',
          number: part,
          services: services(part * 100, 1),
        }),
      );
      expect(outcome.kind).toBe('answered');
    }
    expect(await holding(engine)).toEqual([100_000, 5_000]);
    const ended = await charge(engine, request({ phase: 'terminate', number: 50, services: [] }));
    expect(ended.kind).toBe('answered');
    expect(await holding(engine)).toEqual([100_000, 0]);
    const again = request({ phase: 'initial', number: 0, sessionId: 'silent', want: 1 });
    await charge(engine, again);
    for (let part = 1; part < 50; part += 1) {
      await charge(
        engine,
        request({
          phase: 'update',
          number: part,
          sessionId: 'silent',
          services: services(part * 100, 1),
        }),
      );
    }
    const swept = await sweepTimer(
      engine,
      { partition: 0, member: 's:silent' },
      START_MS + 86_400_000,
    );
    expect(swept).toEqual({ kind: 'expired' });
    expect(await holding(engine)).toEqual([100_000, 0]);
  });
});
