/** What `tolld account show` says of the order of buckets is what the charge script does. */
import { CONSUMPTION_ORDERS } from '../../../src/domain/consumption-order.js';
import { expect, test } from 'vitest';
import { charge } from '../../../src/charging/charge.js';
import { readSession } from '../../../src/charging/session-snapshot.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { explainBuckets } from '../../../src/cli/bucket-order.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { SharingMembership } from '../../../src/domain/profile.js';
import {
  chargeRequest,
  chargeService,
  newBucket,
  START_MS,
} from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { randomSource } from '../../support/random-source.js';

const engines = testEngines();
const ROUNDS = 30;
const BUCKETS = 8;

test('buckets are explained in the order in which a grant draws on them', async () => {
  const { seed, integer } = randomSource();
  const engine = await engines.fresh();
  const moment = (): number | null =>
    integer(3) === 0 ? null : START_MS + (integer(4) - 2) * 3_600_000;

  /** An account with random buckets. */
  async function open(accountId: string): Promise<void> {
    const buckets = Array.from({ length: BUCKETS }, (_, index) => {
      const isMoney = integer(3) === 0;
      const [startsAt, endsAt] = [moment(), moment()];
      return newBucket(`${accountId}.${index}`, isMoney ? 'EUR' : 'octets', 10 + integer(3), {
        priority: integer(2),
        state: startsAt !== null && startsAt > START_MS ? 'pending' : 'active',
        startsAt,
        endsAt: endsAt === null || endsAt <= START_MS ? null : endsAt,
        createdAt: START_MS - integer(2),
      });
    });
    await fundAccount(engine, accountId, buckets);
  }

  for (let round = 0; round < ROUNDS; round += 1) {
    const [accountId, ownerAccountId] = [`a${round}`, `o${round}`];
    await open(accountId);
    await open(ownerAccountId);
    const account = await readAccount(engine, 0, accountId);
    const owner = await readAccount(engine, 0, ownerAccountId);
    const order = CONSUMPTION_ORDERS[integer(CONSUMPTION_ORDERS.length)] ?? 'smallest';
    const sharing: SharingMembership | null =
      integer(2) === 0
        ? null
        : {
            ownerAccountId,
            order: integer(2) === 0 ? 'own-first' : 'shared-first',
            scope: null,
            resources: integer(2) === 0 ? null : ['octets'],
          };
    const explained = explainBuckets(account?.buckets ?? [], {
      orders: new Map([
        ['octets', order],
        ['EUR', order],
      ]),
      now: START_MS,
      show: (amount, resource) => `${amount} ${resource}`,
      ...(sharing !== null && { shared: { ...sharing, buckets: owner?.buckets ?? [] } }),
    });
    const service = chargeService({
      want: toAmount(1_000_000),
      unitOrder: order,
      moneyOrder: order,
    });
    await charge(
      engine,
      chargeRequest({
        ...{ phase: 'initial', number: 0, accountId, sharing },
        ...{ sessionId: accountId, services: [service], now: START_MS },
      }),
    );
    const session = await readSession(engine, 0, accountId);
    const drawn = session?.services[0]?.legs.map(({ bucketId }) => bucketId);
    const usable = explained.filter((each) => each.place !== null);
    const told = usable.map(({ bucket }) => bucket.bucketId);
    expect(told, `seed ${seed}, round ${round}, ${order}`).toEqual(drawn);
  }
});
