/**
 * The short way of charging against the whole one: the same random commands leave the same behind,
 * whether plain requests are charged the short way or all go the whole one.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runCommands } from '../../model/run.js';
import { calmWorkload, wildWorkload } from '../../model/workload.js';
import { charge } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import { toAmount } from '../../../src/domain/amounts.js';
import {
  chargeRequest,
  chargeService,
  newBucket,
  stamp,
  START_MS,
} from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { createEngineSubject } from '../../support/engine-subject.js';
import {
  countingCall,
  keySpaceContents,
  PLAIN_CHARGE,
  PLAIN_COUNT,
  scriptsWith,
} from '../../support/key-space-contents.js';

const RUNS = 40;
/** The same workload in every run; another number makes another one. */
const SEED = 771203415;

const engines = testEngines();

const workload = fc.oneof(
  { weight: 1, arbitrary: wildWorkload },
  { weight: 4, arbitrary: calmWorkload },
);

const whole = scriptsWith('tolld_whole', `${PLAIN_CHARGE} or`, '');
const counted = scriptsWith('tolld_counted', `${PLAIN_CHARGE} or`, countingCall(PLAIN_CHARGE));

it(`plain charges leave what whole ones would (seed ${SEED})`, { timeout: 300_000 }, async () => {
  const first = await engines.fresh();
  await whole.load(first.redis);
  await counted.load(first.redis);
  await first.redis.del(PLAIN_COUNT);
  await fc.assert(
    fc.asyncProperty(workload, async ([world, given]) => {
      const long = { ...(await engines.fresh()), scripts: whole };
      const short = { ...(await engines.fresh()), scripts: counted };
      await runCommands(createEngineSubject(long), world, given);
      await runCommands(createEngineSubject(short), world, given);
      const [left, right] = await Promise.all([keySpaceContents(long), keySpaceContents(short)]);
      expect(right).toEqual({ ...left, meta: right['meta'] });
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: false },
  );
  const plain = Number(await first.redis.get(PLAIN_COUNT));
  expect(plain).toBeGreaterThan(300);
});

/** A session whose second request is a plain one of this number. */
async function chargeTwice(engine: Engine, number: number): Promise<void> {
  const account = { partition: 0, accountId: 'a', stamp };
  await provisionAccount(engine, {
    ...account,
    standing: 'active',
    profileVersion: 1,
    now: START_MS,
  });
  await creditAccount(engine, {
    ...account,
    intentNumber: 1,
    intentId: 'i1',
    kind: 'grant',
    reason: null,
    operations: [{ operation: 'grant', bucket: newBucket('b', 'octets', 1_000_000) }],
    now: START_MS,
  });
  const asks = chargeService({ want: toAmount(100) });
  const reports = { ...asks, used: toAmount(40) };
  const first = chargeRequest({ phase: 'initial', number: 0, services: [asks], now: START_MS });
  const second = chargeRequest({ phase: 'update', number, services: [reports], now: START_MS });
  expect(await charge(engine, first)).toMatchObject({ services: [{ granted: 100 }] });
  expect(await charge(engine, second)).toMatchObject({ services: [{ granted: 100 }] });
}

it.each([2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7])(
  'a request of number %d is kept as such',
  async (number) => {
    const long = { ...(await engines.fresh()), scripts: whole };
    const short = await engines.fresh();
    await chargeTwice(long, number);
    await chargeTwice(short, number);
    const [left, right] = await Promise.all([keySpaceContents(long), keySpaceContents(short)]);
    expect(right).toEqual({ ...left, meta: right['meta'] });
  },
);
