/** schema/redis.md against what stands in Redis: each key and field is in it, and all of it is met. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { holdPool, leaseAddress } from '../../../src/charging/address-pools.js';
import { callScript, type Engine } from '../../../src/charging/engine.js';
import { learnAuthenticator } from '../../../src/charging/network-sessions.js';
import { announceNode } from '../../../src/charging/node-registry.js';
import { noteOriginState } from '../../../src/charging/origin-states.js';
import { announceReach } from '../../../src/charging/reach-registry.js';
import { raiseSteering } from '../../../src/charging/steering.js';
import { setAside } from '../../../src/charging/unreadable.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { silentLogger, testEngines } from '../../support/charging-engine.js';
import { createEngineSubject } from '../../support/engine-subject.js';
import { ispProcess, login, openIsp, openSubscriber, report } from '../../support/isp.js';
import { ACCOUNT, gyRequest, openOperator } from '../../support/operator.js';
import { runScenario } from '../../support/scenario-run.js';
import { readScenarios } from '../../support/scenario.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SCENARIOS = path.join(ROOT, 'test/scenarios');

/** A row of the table. */
interface Row {
  readonly name: string;
  readonly key: RegExp;
  readonly type: string;
  /** Of a hash or stream: names in its text; none where the fields are named by what they are of. */
  readonly fields: ReadonlyMap<string, RegExp>;
  readonly mayExpire: boolean;
}

/** `a:<address>` as what it may be. */
function pattern(text: string): RegExp {
  const parts = text.split(/<[^>]+>/).map((part) => part.replaceAll(/[{}*+.]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`, 's');
}

const FIELD = /`([a-z]+|[a-z]+:<[^>`]+>|[a-z]<[a-z]>)`/g;

function readRows(): readonly Row[] {
  const text = readFileSync(path.join(ROOT, 'schema/redis.md'), 'utf8');
  return [...text.matchAll(/^\| `<prefix>:([^`]+)` \| (\w+)[^|]* \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, name = '', type = '', holds = '', ends = '']) => {
      const names = ['hash', 'stream'].includes(type) ? [...holds.matchAll(FIELD)] : [];
      return {
        name,
        key: pattern(name.replace('{pN}', '{p<partition>}')),
        type,
        fields: new Map(names.map(([, field = '']) => [field, pattern(field)])),
        mayExpire: ends.includes('TTL'),
      };
    },
  );
}

/** A key as it stood. */
interface Found {
  readonly key: string;
  readonly type: string;
  readonly fields: readonly string[];
  readonly expires: boolean;
}

async function keysOf({ redis, keys }: Engine): Promise<readonly Found[]> {
  const prefix = keys.meta.slice(0, -'meta'.length);
  return Promise.all(
    (await redis.keys(`${prefix}*`)).map(async (key) => {
      const type = await redis.type(key);
      const entries = type === 'stream' ? await redis.xrange(key, '-', '+') : [];
      const streamed = entries.flatMap(([, flat]) => flat.filter((_, index) => index % 2 === 0));
      return {
        ...{ key: key.slice(prefix.length), type },
        fields: type === 'hash' ? await redis.hkeys(key) : streamed,
        expires: (await redis.ttl(key)) >= 0,
      };
    }),
  );
}

const engines = testEngines();

async function afterScenarios(): Promise<readonly Found[]> {
  const found: Found[] = [];
  const files = readdirSync(SCENARIOS).filter((file) => /^(charging|scripts)-/.test(file));
  for (const scenario of files.flatMap((file) => readScenarios(file))) {
    const engine = await engines.fresh();
    await runScenario(scenario, createEngineSubject(engine));
    found.push(...(await keysOf(engine)));
  }
  return found;
}

async function afterGateway(): Promise<readonly Found[]> {
  const engine = await engines.fresh();
  await openOperator(engine, { octets: 1_000, money: 1 });
  const catalog = createCatalogHolder({ engine, logger: silentLogger });
  await catalog.refresh();
  const handle = createCreditControl(
    { requestsInFlightMax: 10 },
    {
      ...{ engine, catalog, logger: silentLogger, clock: Date.now },
      metrics: createCreditControlMetrics(createMetrics({ processMetrics: false })),
    },
  );
  const services = [{ ratingGroup: 10, serviceIdentifiers: [], used: [], requested: {} }];
  const request = gyRequest({ phase: 'initial', requestNumber: 0, services });
  await handle(request);
  const { sessionId } = request;
  const session = { partition: 0, accountId: ACCOUNT, sessionId };
  await raiseSteering(engine, session, { kind: 'abort', reason: 'demand' });
  await announceNode(engine, 'n1.tolld.test', Date.now());
  await announceReach(engine, { node: 'n1', ways: ['diameter gateway'], aliveMs: 1_000 });
  await noteOriginState(engine, 'pgw.gateway.test', 7);
  const { keys, redis } = engine;
  await callScript(engine, 'witness', [keys.waited(keys.control(0))], ['1']);
  await redis.set(keys.account(0, 'broken'), 'broken');
  await setAside(engine, { partition: 0, accountId: 'broken' });
  return keysOf(engine);
}

async function afterRouter(): Promise<readonly Found[]> {
  const engine = await engines.fresh();
  await openIsp(engine);
  await openSubscriber(engine, { octets: 1_000_000_000 });
  const isp = await ispProcess(engine);
  const decision = await isp.access(login());
  if (decision.kind !== 'accepted') throw new Error(JSON.stringify(decision));
  const { session: handle } = decision;
  const counters = { uploadOctets: toAmount(1), downloadOctets: toAmount(2), width: 64 } as const;
  await isp.accounting(report({ handle, status: 'start', bootMark: 'first' }));
  await isp.accounting(report({ handle, counters }));
  await isp.accounting(report({ handle: null, counters }));
  await isp.access(login({ password: 'wrong' }));
  await learnAuthenticator(engine, '192.0.2.1');
  const pool = { code: 'homes', ranges: [{ first: '10.0.0.1', last: '10.0.0.9' }], restSeconds: 9 };
  await leaseAddress(engine, { pool, sessionId: 's', owner: 'anna', leaseMs: 60_000 });
  await holdPool(engine, pool.code, Date.now());
  return keysOf(engine);
}

describe('schema/redis.md', () => {
  const rows = readRows();
  let found: readonly Found[];
  beforeAll(async () => {
    const all = [await afterScenarios(), await afterGateway(), await afterRouter()];
    found = all.flat();
  }, 120_000);

  const rowOf = (key: string): Row | undefined => rows.find((row) => row.key.test(key));

  it('has every key that is written, with its type', () => {
    const wrong = found.filter(({ key, type }) => {
      const row = rowOf(key);
      return row === undefined || (row.type !== 'any' && row.type !== type);
    });
    expect(wrong.map(({ key, type }) => `${type} ${key}`)).toEqual([]);
  });

  it('has every field of a hash or a stream', () => {
    const unknown = found.flatMap(({ key, fields }) => {
      const known = rowOf(key)?.fields ?? new Map<string, RegExp>();
      if (known.size === 0) return [];
      const strange = fields.filter((field) => ![...known.values()].some((at) => at.test(field)));
      return strange.map((field) => `${field} of ${key}`);
    });
    expect([...new Set(unknown)]).toEqual([]);
  });

  it('speaks of no key and no field that nothing writes', () => {
    const unmet = rows.flatMap((row) => {
      const keys = found.filter(({ key }) => rowOf(key) === row);
      if (keys.length === 0) return [row.name];
      const met = keys.flatMap(({ fields }) => fields);
      return [...row.fields]
        .filter(([, at]) => !met.some((field) => at.test(field)))
        .map(([field]) => `${field} of ${row.name}`);
    });
    expect(unmet).toEqual([]);
  });

  it('says of every key that goes by itself that it does', () => {
    const expiring = found.filter(({ expires, fields }) => expires && fields.join() !== 'p');
    const unsaid = expiring.filter(({ key }) => rowOf(key)?.mayExpire !== true);
    expect(unsaid.map(({ key }) => key)).toEqual([]);
    expect(expiring).not.toHaveLength(0);
  });
});
