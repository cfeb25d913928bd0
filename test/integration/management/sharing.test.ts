/** From a sharing group in an operator's file to members that draw on its owner, and back. */
import { describe, expect, test } from 'vitest';
import { partitionOf } from '../../../src/charging/keys.js';
import { moveAccount } from '../../../src/charging/moving.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { CreditControlHandler } from '../../../src/domain/credit-control.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { gyRequest } from '../../support/operator.js';
import { testManagement } from './fixture.js';

const { engine, face, load, newSynchroniser, account, profile, flushed, pool } = testManagement();
const logger = createLogger({ level: 'silent' });

/** Two accounts whose homes are different partitions. */
function strangers(name: string): { readonly owner: string; readonly member: string } {
  const owner = `${name}-owner`;
  let member = `${name}-member`;
  while (partitionOf(member, 4) === partitionOf(owner, 4)) member += 'x';
  return { owner, member };
}

function fileOf({ owner, member }: ReturnType<typeof strangers>, phone: string, group: string) {
  return `
version: 1
tenants:
  - code: sharing
    resources: [{ code: EUR }]
    tariffs:
      - code: flat
        currency: EUR
        flatRates: [{ id: all, unit: octets, price: { amount: '1', per: 1 kB } }]
        quotas: [{ unit: octets, default: 1 kB, maximum: 100 kB, minimum: 1, sharePercent: 100 }]
    accounts:
      - { id: ${owner}, buckets: [{ id: pool, resource: octets, amount: 10 kB }] }
      - { id: ${member}, tariff: flat, buckets: [{ id: own, resource: octets, amount: 1 kB }] }
    subscribers: [{ id: ${member}, account: ${member}, identities: [{ kind: e164, value: '${phone}' }] }]
    sharingGroups: [{ id: ${owner}, owner: ${owner}, ${group} }]
`;
}

/** A front: what it remembers of profiles may be old. */
async function front(): Promise<CreditControlHandler> {
  const catalog = createCatalogHolder({ engine, logger });
  await catalog.refresh();
  return createCreditControl(
    { requestsInFlightMax: 10 },
    {
      engine,
      catalog,
      logger,
      metrics: createCreditControlMetrics(createMetrics({ processMetrics: false })),
      clock: Date.now,
    },
  );
}

function talk(handle: CreditControlHandler, phone: string) {
  let number = -1;
  return (used: number, want: number | null) => {
    number += 1;
    return handle({
      ...gyRequest({
        phase: number === 0 ? 'initial' : want === null ? 'terminate' : 'update',
        requestNumber: number,
      }),
      sessionId: `session of ${phone}`,
      networkScope: 'default',
      identities: [{ kind: 'e164', value: phone }],
      services: [
        {
          ratingGroup: 1,
          serviceIdentifiers: [],
          used: used === 0 ? [] : [{ octets: toAmount(used) }],
          ...(want !== null && { requested: { octets: toAmount(want) } }),
        },
      ],
    });
  };
}

const granted = (amount: number) => ({ services: [{ result: 'granted', granted: { amount } }] });

async function left(id: string): Promise<unknown> {
  const [bucket] = (await account(id))?.buckets ?? [];
  return [bucket?.remaining, bucket?.reserved];
}

/** The account's run in Postgres: each number once, none missing. */
async function recordedRun(id: string): Promise<{ numbers: number[]; last: number }> {
  const { rows } = await pool.query<{ sequence: string }>(
    `SELECT sequence FROM tolld.rated_events WHERE account_id = $1
     UNION ALL SELECT sequence FROM tolld.ledger_entries WHERE account_id = $1
     UNION ALL SELECT sequence FROM tolld.account_events WHERE account_id = $1 ORDER BY 1`,
    [id],
  );
  const state = await pool.query<{ last: string }>(
    'SELECT last_sequence AS last FROM tolld.account_states WHERE account_id = $1',
    [id],
  );
  return {
    numbers: [...new Set(rows.map(({ sequence }) => Number(sequence)))],
    last: Number(state.rows[0]?.last),
  };
}

describe('a sharing group', () => {
  test('takes a member to its owner in the middle of a session, and lets it go again', async () => {
    const pair = strangers('join');
    const phone = '4921';
    await load(fileOf(pair, phone, 'members: []'));
    await newSynchroniser().runOnce();
    const send = talk(await front(), phone);
    expect(await send(0, 600)).toMatchObject(granted(600));
    const group = `members: [${pair.member}], order: shared-first`;
    await load(fileOf(pair, phone, group));
    // Until it stands where the owner is, the member pays itself.
    expect(await profile(phone)).toMatchObject({ sharing: null });
    expect(await newSynchroniser().runOnce()).toMatchObject({ failed: 0 });
    expect(await profile(phone)).toMatchObject({
      partition: partitionOf(pair.owner, 4),
      sharing: { ownerAccountId: pair.owner, order: 'shared-first' },
    });
    expect(await send(600, 5_000)).toMatchObject(granted(5_000));
    expect(await left(pair.member)).toEqual([400, 0]);
    expect(await left(pair.owner)).toEqual([10_000, 5_000]);
    await send(5_000, 500);
    expect(await left(pair.owner)).toEqual([5_000, 500]);

    await load(fileOf(pair, phone, 'members: []'));
    await newSynchroniser().runOnce();
    expect(await profile(phone)).toMatchObject({
      partition: partitionOf(pair.member, 4),
      sharing: null,
    });
    expect(await left(pair.owner)).toEqual([5_000, 0]);
    await send(300, null);
    expect(await left(pair.member)).toEqual([100, 0]);
    await flushed();
    const { numbers, last } = await recordedRun(pair.member);
    expect(numbers).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    const { rows } = await pool.query(
      `SELECT target_partition, sharing_group FROM tolld.accounts WHERE id = $1`,
      [pair.member],
    );
    expect(rows).toEqual([{ target_partition: null, sharing_group: null }]);
  });

  test('whose member is killed on its way is joined by the next process, charged all the while', async () => {
    for (const steps of [1, 2, 3, 4, 5, 6]) {
      const pair = strangers(`cut-${steps}`);
      const phone = `493${steps}`;
      await load(fileOf(pair, phone, 'members: []'));
      await newSynchroniser().runOnce();
      const send = talk(await front(), phone);
      await send(0, 100);
      await load(fileOf(pair, phone, `members: [${pair.member}]`));
      const dying = newSynchroniser({
        engine: {
          ...face,
          moveAccount: (move) => {
            let count = steps;
            return moveAccount(engine, move, {
              onStep: () => {
                count -= 1;
                if (count === 0) throw new Error('killed');
              },
            });
          },
        },
      });
      expect(await dying.runOnce()).toMatchObject({ failed: 1 });
      // The front finishes what it meets, and the member pays itself meanwhile.
      expect(await send(100, 50)).toMatchObject(granted(50));
      expect(await newSynchroniser().runOnce()).toMatchObject({ failed: 0 });
      expect(await send(50, 2_000)).toMatchObject(granted(2_000));
      expect(await left(pair.member)).toEqual([850, 850]);
      expect(await left(pair.owner)).toEqual([10_000, 1_150]);
      await send(0, null);
      await flushed();
      const { numbers, last } = await recordedRun(pair.member);
      expect(numbers).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    }
  });

  test('that is suspended lets its members pay themselves, where they are', async () => {
    const pair = strangers('suspended');
    await load(fileOf(pair, '4941', `members: [${pair.member}]`));
    await newSynchroniser().runOnce();
    await load(fileOf(pair, '4941', `members: [${pair.member}], status: suspended`));
    await newSynchroniser().runOnce();
    expect(await profile('4941')).toMatchObject({
      partition: partitionOf(pair.owner, 4),
      sharing: null,
    });
  });
});
