/** Many requests at once, through several connections and processes. */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { ChargeOutcome } from '../../../src/charging/charge-outcome.js';
import type { ChargeRequest } from '../../../src/charging/charge-request.js';
import { charge } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { Auditor } from '../../model/auditor.js';
import {
  chargeRequest,
  chargeService,
  chargeWindow,
  newBucket,
  rateLine,
} from '../../support/charge-requests.js';
import { openEngine } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { startChargingProcess } from '../../support/charging-process.js';
import { createEngineSubject } from '../../support/engine-subject.js';
import { randomSource } from '../../support/random-source.js';

type Charge = (request: ChargeRequest) => Promise<ChargeOutcome>;

/** Three ways to one key space: a connection, another one, another process. */
interface Fronts {
  readonly engine: Engine;
  readonly charge: readonly [Charge, Charge, Charge];
}

async function openFronts(): Promise<Fronts> {
  const keyPrefix = `n${randomBytes(4).toString('hex')}`;
  const engine = await openEngine({ keyPrefix });
  const other = await openEngine({ keyPrefix });
  const another = await startChargingProcess(inject('redisUrl'), keyPrefix);
  return {
    engine,
    charge: [
      (request) => charge(engine, request),
      (request) => charge(other, request),
      (request) => another.charge(request),
    ],
  };
}

let fronts: Fronts;
beforeAll(async () => {
  fronts = await openFronts();
});

function grantedOf(outcome: ChargeOutcome): number {
  return outcome.kind === 'answered' ? (outcome.services[0]?.granted ?? 0) : 0;
}

describe('many sessions that begin at once on one account', () => {
  it.each([
    ['each asking for everything', 1_000],
    ['each asking for a small part', 7],
  ])('are never granted more than it has, %s', async (_how, want) => {
    const accountId = `all-${want}`;
    const { engine } = fronts;
    await fundAccount(engine, accountId, [
      newBucket(`${accountId}-free`, 'octets', 500),
      newBucket(`${accountId}-cash`, 'EUR', 500),
    ]);
    const outcomes = await Promise.all(
      Array.from({ length: 240 }, (_, index) => {
        const request = chargeRequest({
          phase: 'initial',
          number: 0,
          want,
          accountId,
          sessionId: `${accountId}-${index}`,
        });
        return fronts.charge[index % 3]!(request);
      }),
    );
    const granted = outcomes.map(grantedOf).reduce((sum, units) => sum + units, 0);
    // Nothing is stranded either: what one did not get another did.
    expect(granted).toBe(1_000);
    const account = await readAccount(engine, 0, accountId);
    expect(account?.buckets.map(({ remaining, reserved }) => [remaining, reserved])).toEqual([
      [500, 500],
      [500, 500],
    ]);
  });
});

describe('a request that is sent twice at once, through different processes', () => {
  it('has one effect and one answer', async () => {
    const { engine } = fronts;
    await fundAccount(engine, 'twice', [newBucket('twice-free', 'octets', 100_000)]);
    const subject = createEngineSubject(engine);
    await subject.newEntries(0);
    for (let number = 0; number < 60; number += 1) {
      const request = chargeRequest({
        phase: number === 0 ? 'initial' : 'update',
        number,
        used: number === 0 ? 0 : 10,
        want: 10,
        accountId: 'twice',
        sessionId: 'twice-s',
      });
      const answers = await Promise.all(fronts.charge.map((send) => send(request)));
      const repeated = answers.map((answer) => answer.kind === 'answered' && answer.repeated);
      expect(repeated.filter((again) => !again)).toHaveLength(1);
      const [first] = answers;
      for (const answer of answers) {
        expect({ ...answer, repeated: false }).toEqual({ ...first, repeated: false });
      }
    }
    const account = await readAccount(engine, 0, 'twice');
    expect(account?.buckets[0]).toMatchObject({ remaining: 100_000 - 590, reserved: 10 });
    const used = (await subject.newEntries(0))
      .flatMap(({ accounts }) => accounts)
      .flatMap(({ events }) => events)
      .filter((event) => event.type === 'usage');
    expect(used).toHaveLength(59);
  });
});

describe('a reconnect storm of sessions on few accounts', () => {
  it('leaves books that balance, with every unit recorded once', { timeout: 60_000 }, async () => {
    const { seed, integer } = randomSource();
    const own = await openFronts();
    const accounts = ['a', 'b'];
    for (const accountId of accounts) {
      await fundAccount(own.engine, accountId, [
        newBucket(`${accountId}-free`, 'octets', 20_000, { step: 7 }),
        newBucket(`${accountId}-cash`, 'EUR', 3_000),
      ]);
    }
    const auditor = new Auditor();
    await Promise.all(
      Array.from({ length: 90 }, (_, index) => converse(own, index, auditor, integer)),
    );
    for (const entry of await createEngineSubject(own.engine).newEntries(0)) auditor.entry(entry);
    const ended = await Promise.all(accounts.map((id) => readAccount(own.engine, 0, id)));
    auditor.finish(ended);
    auditor.ended(ended);
    expect(auditor.violations, `seed ${seed}`).toEqual([]);
  });

  /** One session from its begin to its end; its requests are sent again at random, in any order. */
  async function converse(
    { charge: sends }: Fronts,
    index: number,
    auditor: Auditor,
    integer: (below: number) => number,
  ): Promise<void> {
    const line = rateLine({
      pulses: [{ from: 0, step: 10 }],
      tiers: [{ from: 0, num: 1, den: 3 }],
    });
    const length = 4 + integer(6);
    let granted = 0;
    for (let number = 0; number <= length; number += 1) {
      const isLast = number === length;
      const request = chargeRequest({
        phase: number === 0 ? 'initial' : isLast ? 'terminate' : 'update',
        number,
        accountId: index % 2 === 0 ? 'a' : 'b',
        sessionId: `s-${index}`,
        services: [
          chargeService({
            used: toAmount(number === 0 ? 0 : integer(granted + 5)),
            want: isLast ? null : toAmount(1 + integer(200)),
            windows: [chargeWindow(line)],
          }),
        ],
      });
      const used = sends.filter((_, place) => place === index % 3 || integer(3) === 0);
      const answers = await Promise.all(used.map((send) => send(request)));
      for (const answer of answers) auditor.answered({ kind: 'charge', request }, answer);
      granted = grantedOf(answers[0]!);
    }
  }
});
