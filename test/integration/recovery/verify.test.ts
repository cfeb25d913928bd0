/** The proof finds nothing where all is well, whatever happened, and names what was tampered with. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { charge } from '../../../src/charging/charge.js';
import { pack, unpackBytes, type Packable } from '../../../src/charging/packing.js';
import * as layout from '../../../src/charging/generated/layout.js';
import { creditAccount } from '../../../src/charging/provisioning.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { BEFORE_FIRST } from '../../../src/domain/flush.js';
import { main } from '../../../src/main.js';
import { checkAccount } from '../../../src/recovery/account-check.js';
import type { Finding } from '../../../src/recovery/finding.js';
import { gatherEvidence, SessionIndex } from '../../../src/recovery/gathering.js';
import { StreamTail } from '../../../src/recovery/stream-tail.js';
import { verify } from '../../../src/recovery/verify.js';
import { askModel, Driver, type Call } from '../../model/driver.js';
import { command, worldPlan } from '../../model/workload.js';
import { chargeRequest, newBucket, stamp } from '../../support/charge-requests.js';
import { fundAccount } from '../../support/funded-account.js';
import { createEngineSubject } from '../../support/engine-subject.js';
import { recordedEngine, type RecordedEngine } from '../../support/recorded-engine.js';
import { insertAccounts, isUsual, performCall } from './workload-calls.js';

/** The same workloads in every run; another number makes others. */
const SEED = 20261121;
const RUNS = 6;
const COMMANDS = { minLength: 120, maxLength: 160, size: 'max' } as const;
const workloads = fc.sample(fc.tuple(worldPlan, fc.array(command.filter(isUsual), COMMANDS)), {
  seed: SEED,
  numRuns: RUNS,
});
const worlds = workloads.map(() => recordedEngine());
const tampered = recordedEngine();

async function findingsOf(stores: RecordedEngine): Promise<readonly Finding[]> {
  const { engine, streams, pool, partitions } = stores;
  const report = await verify({ partitions }, { engine, streams, pool });
  return report.findings;
}

describe(`a random workload (seed ${SEED})`, () => {
  test.each(workloads.map((workload, index) => [index, workload] as const))(
    'number %i balances at every step, flushed or not',
    async (index, [plan, commands]) => {
      const world = worlds[index] as RecordedEngine;
      const subject = createEngineSubject(world.engine);
      const driver = new Driver(plan);
      await insertAccounts(world, driver.accounts);
      let steps = 0;
      async function perform(calls: readonly Call[]): Promise<void> {
        for (const call of calls.filter(isUsual)) {
          askModel(driver.model, call);
          await performCall(subject, call);
          steps += 1;
          if (steps % 60 === 0) expect(await findingsOf(world)).toEqual([]);
        }
      }
      await perform(driver.begin());
      for (const each of commands) await perform(driver.calls(each));
      await world.recorded();
      expect(await findingsOf(world)).toEqual([]);
      for (const calls of driver.end()) await perform([calls].flat());
      await world.pauseFlusher();
      expect(await findingsOf(world)).toEqual([]);
    },
    60_000,
  );
});

describe('beside traffic', () => {
  const busy = recordedEngine({ partitions: 2 });

  test('the proof finds nothing while sessions open, report and end', async () => {
    const { engine } = busy;
    for (const accountId of ['t1', 't2', 't3']) {
      await fundAccount(engine, accountId, [
        newBucket(`${accountId}-data`, 'octets', 1_000_000_000),
      ]);
    }
    let going = true;
    const gateways = Array.from({ length: 24 }, async (_, gateway) => {
      for (let session = 0; going; session += 1) {
        const common = { accountId: `t${(gateway % 3) + 1}`, sessionId: `g${gateway}-${session}` };
        await charge(engine, chargeRequest({ ...common, phase: 'initial', number: 0, want: 100 }));
        for (let number = 1; number < 6 && going; number += 1) {
          const parts = { ...common, number, used: 50 + number, want: 100 };
          await charge(engine, chargeRequest({ ...parts, phase: 'update' }));
        }
        if (session % 2 === 0) {
          await charge(
            engine,
            chargeRequest({ ...common, phase: 'terminate', number: 6, used: 9 }),
          );
        }
      }
    });
    try {
      for (let round = 0; round < 5; round += 1) expect(await findingsOf(busy)).toEqual([]);
    } finally {
      going = false;
      await Promise.all(gateways);
    }
    await busy.recorded();
    expect(await findingsOf(busy)).toEqual([]);
  });
});

describe('a session that opens after the sessions were listed', () => {
  const late = recordedEngine({ partitions: 1 });

  test('is not missed when it is in the record before its account is looked at', async () => {
    const { engine, streams, pool } = late;
    await fundAccount(engine, 'a', [newBucket('a-data', 'octets', 1_000_000)]);
    await late.recorded();
    const listed = await SessionIndex.read(engine, 0, new Set());
    const request = { accountId: 'a', sessionId: 'late', phase: 'initial', number: 0 } as const;
    await charge(engine, chargeRequest({ ...request, want: 100 }));
    await late.recorded();
    const tail = new StreamTail({ partition: 0, after: BEFORE_FIRST }, { streams });
    const context = { engine, pool, partition: 0, tail };
    const findingsNow = async (): Promise<readonly Finding[]> =>
      (await gatherEvidence(context, ['a'], listed)).flatMap(checkAccount);
    expect(await findingsNow()).toEqual([]);
    await engine.redis.del(engine.keys.session(0, 'late'));
    expect(await findingsNow()).toMatchObject([{ kind: 'session-missing', sessionId: 'late' }]);
  });
});

describe('sessions that open after each list of them', () => {
  const hasty = recordedEngine({ partitions: 1 });

  test('are not taken for units that nobody holds', async () => {
    const { engine, streams, pool } = hasty;
    await fundAccount(engine, 'a', [newBucket('a-data', 'octets', 1_000_000)]);
    let lists = 0;
    const zrange = async (...asked: Parameters<typeof engine.redis.zrange>): Promise<string[]> => {
      const listed = await engine.redis.zrange(...asked);
      lists += 1;
      const request = {
        accountId: 'a',
        sessionId: `s${lists}`,
        phase: 'initial',
        number: 0,
      } as const;
      await charge(engine, chargeRequest({ ...request, want: 100 }));
      return listed;
    };
    const redis = new Proxy(engine.redis, {
      get: (target, name) => {
        const found: unknown = name === 'zrange' ? zrange : Reflect.get(target, name);
        return typeof found === 'function' ? (found.bind(target) as unknown) : found;
      },
    });
    const { connections: _, ...rest } = engine;
    const report = await verify({ partitions: 1 }, { engine: { ...rest, redis }, streams, pool });
    expect(report.findings).toEqual([]);
    expect(lists).toBeGreaterThan(2);
  });
});

describe('what was tampered with', () => {
  const bucket = (id: string) => newBucket(id, 'octets', 10_000);

  beforeAll(async () => {
    const { engine } = tampered;
    for (const accountId of [
      'fine',
      'moved',
      'leaked',
      'lost',
      'cut',
      'doubled',
      'edited',
      'ghost',
    ]) {
      await fundAccount(engine, accountId, [bucket('main')]);
      const session = { accountId, sessionId: `s-${accountId}` };
      await charge(engine, chargeRequest({ ...session, phase: 'initial', number: 0, want: 500 }));
      const update = { ...session, phase: 'update', number: 1, used: 300, want: 500 } as const;
      await charge(engine, chargeRequest(update));
    }
    await tampered.recorded();
  });

  async function editBucket(accountId: string, place: number, by: number): Promise<void> {
    const { redis, keys } = tampered.engine;
    const key = keys.account(0, accountId);
    const account = unpackBytes((await redis.getBuffer(key)) ?? Buffer.alloc(0)) as Packable[];
    const buckets = account[layout.ACCOUNT_BUCKETS - 1] as Packable[];
    const fields = unpackBytes(buckets[2] as Buffer) as Packable[];
    fields[place - 1] = (fields[place - 1] as number) + by;
    buckets[2] = pack(fields);
    await redis.set(key, pack(account));
  }

  async function withoutTriggers(table: string, statement: string): Promise<void> {
    const client = await tampered.pool.connect();
    try {
      await client.query(`ALTER TABLE tolld.${table} DISABLE TRIGGER USER`);
      await client.query(statement);
      await client.query(`ALTER TABLE tolld.${table} ENABLE TRIGGER USER`);
    } finally {
      client.release();
    }
  }

  const of = (findings: readonly Finding[], id: string) =>
    findings.filter(({ accountId }) => accountId === id).map(({ kind }) => kind);

  test('is named by account, bucket, amount and remedy', async () => {
    const { engine } = tampered;
    expect(await findingsOf(tampered)).toEqual([]);
    await editBucket('moved', layout.BUCKET_REMAINING, 7);
    await editBucket('leaked', layout.BUCKET_RESERVED, 5);
    await engine.redis.del(engine.keys.account(0, 'lost'));
    await withoutTriggers(
      'rated_events',
      `DELETE FROM tolld.rated_events WHERE account_id = 'cut'`,
    );
    await withoutTriggers(
      'ledger_entries',
      `INSERT INTO tolld.ledger_entries SELECT account_id, sequence + 1, position, tenant,
         customer_id, subscription_id, posted_at, kind, bucket_id, resource, amount, balance_after,
         reason, intent_id, intent_number, config_version, partition, epoch, entry
       FROM tolld.ledger_entries WHERE account_id = 'doubled'`,
    );
    await tampered.pool.query(
      `UPDATE tolld.account_states SET balances = jsonb_set(balances, '{main}', '9')
       WHERE account_id = 'edited'`,
    );
    await engine.redis.del(engine.keys.session(0, 's-ghost'));

    const findings = await findingsOf(tampered);
    expect(of(findings, 'fine')).toEqual([]);
    expect(findings.find(({ accountId }) => accountId === 'moved')).toEqual({
      kind: 'bucket-live',
      partition: 0,
      accountId: 'moved',
      bucketId: 'main',
      sessionId: null,
      message: 'Redis holds 9707 octets, the facts up to event 4 say 9700',
      facts: { remaining: 9707, expected: 9700n, difference: 7n, sequence: 4 },
      remedy: expect.stringContaining('tolld reconcile --repair') as unknown,
    });
    expect(of(findings, 'leaked')).toEqual(['reservation']);
    expect(of(findings, 'lost')).toEqual(
      expect.arrayContaining(['account-missing', 'session-orphan']),
    );
    expect(of(findings, 'cut')).toEqual(
      expect.arrayContaining(['run-gap', 'bucket-sum', 'bucket-live', 'session-live']),
    );
    expect(findings.find(({ kind }) => kind === 'run-gap')?.message).toContain('1 of its 4 events');
    expect(of(findings, 'doubled')).toEqual(
      expect.arrayContaining(['run-double', 'bucket-sum', 'bucket-chain', 'bucket-live']),
    );
    expect(findings.find(({ kind }) => kind === 'run-double')?.message).toContain('3 twice');
    expect(of(findings, 'edited')).toEqual(['bucket-sum']);
    expect(of(findings, 'ghost')).toEqual(
      expect.arrayContaining(['session-missing', 'reservation']),
    );
  });

  test('is told by the exit code, and in JSON', async () => {
    const lines: string[] = [];
    const terminal = { out: (line: string) => void lines.push(line), note: () => undefined };
    const environment = {
      REDIS_URL: tampered.redisUrl(),
      DATABASE_URL: tampered.databaseUrl,
      TOLLD_REDIS_KEY_PREFIX: tampered.prefix,
    };
    expect(await main(['verify', '--json'], { terminal, environment })).toBe(1);
    const report = JSON.parse(lines.join('\n')) as { balanced: boolean; findings: Finding[] };
    expect(report.balanced).toBe(false);
    expect(report.findings.length).toBeGreaterThan(6);
    lines.length = 0;
    expect(await main(['verify'], { terminal, environment })).toBe(1);
    expect(lines.join('\n')).toContain(
      'bucket-live  account moved, bucket main: Redis holds 9707 octets',
    );
    const nowhere = { ...environment, REDIS_URL: 'redis://127.0.0.1:1/0' };
    expect(await main(['verify'], { terminal, environment: nowhere })).toBe(2);
  });

  test('is found in the outbox too: an entry that is nowhere, and one that is only there', async () => {
    const { engine } = tampered;
    await tampered.pauseFlusher();
    await creditAccount(engine, {
      partition: 0,
      accountId: 'fine',
      stamp,
      intentNumber: 2,
      intentId: 'fine-2',
      kind: 'top-up',
      reason: null,
      operations: [{ operation: 'add', bucketId: 'main', amount: toAmount(5) }],
    });
    expect(of(await findingsOf(tampered), 'fine')).toEqual([]);
    const stream = engine.keys.outbox(0);
    const [last] = await engine.redis.xrevrange(stream, '+', '-', 'COUNT', 1);
    await engine.redis.xdel(stream, last?.[0] ?? '');
    expect(of(await findingsOf(tampered), 'fine')).toEqual(['events-lost', 'bucket-live']);
  });
});
