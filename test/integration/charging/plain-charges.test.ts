/**
 * The short way of charging against the whole one: the same random commands leave the same behind,
 * whether plain requests are charged the short way or all go the whole one.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import * as layout from '../../../src/charging/generated/layout.js';
import { unpackBytes, type Unpacked } from '../../../src/charging/packing.js';
import { readScripts, scriptsOf, type Scripts } from '../../../src/charging/script-loader.js';
import { runCommands } from '../../model/run.js';
import { command, worldPlan, type Command, type WorldPlan } from '../../model/workload.js';
import { newBucket } from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { createEngineSubject } from '../../support/engine-subject.js';

const RUNS = 40;
/** The same workload in every run; another number makes another one. */
const SEED = 771203415;
const PLAIN_CALL = 'charge_plainly(keys, args) or';

const engines = testEngines();

/** A world in which most requests are plain: of octets there are plenty, and nobody shares. */
function calm(plan: WorldPlan): WorldPlan {
  const { bucketId: _, ...plenty } = newBucket('', 'octets', 20_000, { priority: 1 });
  return {
    ...plan,
    accounts: plan.accounts.map(({ buckets, thresholds }) => ({
      buckets: [plenty, ...buckets],
      thresholds,
      sharing: null,
    })),
    groups: plan.groups.map((group) => ({ ...group, unit: 'octets' })),
    policy: { ...plan.policy, supervisionMs: plan.policy.supervisionMs + 60_000 },
    unitOrder: 'earliest-expiring',
    moneyOrder: 'earliest-expiring',
  };
}

/** A request as a gateway sends it when all goes well. */
function plainly(given: Command): Command {
  if (given.kind !== 'request' || given.phase === 'refund') return given;
  const groups = given.asks.map(({ group }) => group);
  if (groups.length === 0) return given;
  return {
    ...given,
    phase: given.phase === 'terminate' ? 'terminate' : 'auto',
    offset: 0,
    wrong: null,
    alone: false,
    fenced: false,
    script: 'charge',
    asks: given.asks
      .filter(({ group }, index) => groups.indexOf(group) === index)
      .map((ask) => ({
        ...ask,
        want: ask.want === null ? null : (ask.want % 500) + 1,
        used: { percent: Math.min(ask.used.percent, 100), more: 0 },
        usedAfter: { percent: 0, more: 0 },
        pooled: false,
      })),
  };
}

const commands = fc.array(
  fc.oneof({ weight: 1, arbitrary: command }, { weight: 9, arbitrary: command.map(plainly) }),
  { maxLength: 100, size: 'max' },
);
const plan = fc.oneof(
  { weight: 1, arbitrary: worldPlan },
  { weight: 4, arbitrary: worldPlan.map(calm) },
);

/** The scripts with another call of the short way, under names of their own. */
function variant(name: string, call: string): Scripts {
  const { library } = readScripts();
  if (!library.source.includes(PLAIN_CALL)) throw new Error(`charge.lua has no "${PLAIN_CALL}"`);
  const source = library.source.replace(PLAIN_CALL, call).replaceAll(library.name, name);
  return scriptsOf({ name, source });
}

const whole = variant('tolld_whole', '');
const counted = variant(
  'tolld_counted',
  "(function() local reply = charge_plainly(keys, args) if reply then redis.call('INCR', 'plain') end return reply end)() or",
);

/** What a packed value says, whatever widths its numbers have. */
function said(packed: Buffer | undefined): Unpacked[] {
  return unpackBytes(packed ?? Buffer.alloc(0)) as Unpacked[];
}

/** An account without its slack: the short way counts it down, the whole one works it out. */
function accountOf(packed: Buffer): Unpacked[] {
  const fields = said(packed).with(layout.ACCOUNT_SLACK - 1, null);
  const buckets = fields[layout.ACCOUNT_BUCKETS - 1] as Unpacked[];
  const opened = buckets.map((value, at) => (at % 3 === 2 ? said(value as Buffer) : value));
  return fields.with(layout.ACCOUNT_BUCKETS - 1, opened);
}

function sessionOf(fields: Readonly<Record<string, Buffer>>): Record<string, unknown> {
  const values = Object.entries(fields).map(([name, value]): [string, unknown] => {
    if (name === 'h' || name.startsWith('s:')) return [name, said(value)];
    if (!/^a\d$/.test(name)) return [name, value];
    const [number, fingerprint, answer] = said(value);
    return [name, [number, fingerprint, said(answer as Buffer)]];
  });
  return Object.fromEntries(values);
}

/** Everything in a key space, by the rest of each key's name. */
async function contents({ redis, keys }: Engine): Promise<Record<string, unknown>> {
  const prefix = keys.meta.replace(/meta$/, '');
  const found = await redis.keys(`${prefix}*`);
  const read = async (key: string): Promise<unknown> => {
    switch (await redis.type(key)) {
      case 'hash': {
        const fields = await redis.hgetallBuffer(key);
        return key.includes(':session:') ? sessionOf(fields) : fields;
      }
      case 'stream':
        return (await redis.xrangeBuffer(key, '-', '+')).map(([id, fields]) => [
          id,
          said(fields[1]),
          fields[3],
        ]);
      case 'zset':
        return redis.zrange(key, 0, '-1', 'WITHSCORES');
      default: {
        const value = (await redis.getBuffer(key)) ?? Buffer.alloc(0);
        return key.includes(':account:') ? accountOf(value) : value;
      }
    }
  };
  const values = await Promise.all(found.toSorted().map(read));
  return Object.fromEntries(
    found.toSorted().map((key, index) => [key.slice(prefix.length), values[index]]),
  );
}

it(`plain charges leave what whole ones would (seed ${SEED})`, { timeout: 300_000 }, async () => {
  const first = await engines.fresh();
  await whole.load(first.redis);
  await counted.load(first.redis);
  await first.redis.del('plain');
  await fc.assert(
    fc.asyncProperty(plan, commands, async (world, given) => {
      const long = { ...(await engines.fresh()), scripts: whole };
      const short = { ...(await engines.fresh()), scripts: counted };
      await runCommands(createEngineSubject(long), world, given);
      await runCommands(createEngineSubject(short), world, given);
      const [left, right] = await Promise.all([contents(long), contents(short)]);
      expect(right).toEqual({ ...left, meta: right['meta'] });
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: false },
  );
  const plain = Number(await first.redis.get('plain'));
  expect(plain).toBeGreaterThan(25);
});
