/** What `tolld account show` says of the order of buckets is what the charge script does. */
import { CONSUMPTION_ORDERS } from '../../../src/domain/consumption-order.js';
import { expect, test } from 'vitest';
import { charge } from '../../../src/charging/charge.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import { readSession } from '../../../src/charging/session-snapshot.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { explainBuckets } from '../../../src/cli/bucket-order.js';
import { toAmount } from '../../../src/domain/amounts.js';
import {
  chargeRequest,
  chargeService,
  newBucket,
  stamp,
  START_MS,
} from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { randomSource } from '../../support/random-source.js';

const engines = testEngines();
const ROUNDS = 30;
const BUCKETS = 8;

test('buckets are explained in the order in which a grant draws on them', async () => {
  const { seed, integer } = randomSource();
  const engine = await engines.fresh();
  const moment = (): number | null =>
    integer(3) === 0 ? null : START_MS + (integer(4) - 2) * 3_600_000;
  for (let round = 0; round < ROUNDS; round += 1) {
    const accountId = `a${round}`;
    const place = { partition: 0, accountId, stamp, now: START_MS };
    await provisionAccount(engine, { ...place, standing: 'active', profileVersion: 1 });
    const operations = Array.from({ length: BUCKETS }, (_, index) => {
      const isMoney = integer(3) === 0;
      const [startsAt, endsAt] = [moment(), moment()];
      const bucket = newBucket(`b${index}`, isMoney ? 'EUR' : 'octets', 10 + integer(3), {
        priority: integer(2),
        state: startsAt !== null && startsAt > START_MS ? 'pending' : 'active',
        startsAt,
        endsAt: endsAt === null || endsAt <= START_MS ? null : endsAt,
        createdAt: START_MS - integer(2),
      });
      return { operation: 'grant', bucket } as const;
    });
    const credit = { ...place, intentNumber: 1, intentId: accountId, kind: 'grant' } as const;
    await creditAccount(engine, { ...credit, reason: null, operations });
    const before = await readAccount(engine, 0, accountId);
    const order = CONSUMPTION_ORDERS[integer(CONSUMPTION_ORDERS.length)] ?? 'smallest';
    const explained = explainBuckets(before?.buckets ?? [], {
      orders: new Map([
        ['octets', order],
        ['EUR', order],
      ]),
      now: START_MS,
      show: (amount, resource) => `${amount} ${resource}`,
    });
    const service = chargeService({
      want: toAmount(1_000_000),
      unitOrder: order,
      moneyOrder: order,
    });
    await charge(
      engine,
      chargeRequest({
        phase: 'initial',
        number: 0,
        accountId,
        sessionId: accountId,
        services: [service],
        now: START_MS,
      }),
    );
    const session = await readSession(engine, 0, accountId);
    const drawn = session?.services[0]?.legs.map(({ bucketId }) => bucketId);
    const usable = explained.filter((each) => each.place !== null);
    const told = usable.map(({ bucket }) => bucket.bucketId);
    expect(told, `seed ${seed}, round ${round}, ${order}`).toEqual(drawn);
    const after = await readAccount(engine, 0, accountId);
    const reserved = session?.services[0]?.legs.reduce((sum, leg) => sum + leg.reserved, 0);
    expect(after?.buckets.reduce((sum, bucket) => sum + bucket.reserved, 0)).toBe(reserved);
  }
});
