/** What open sessions hold of all balances, as the metrics show it. */
import { expect, it } from 'vitest';
import { charge } from '../../../src/charging/charge.js';
import {
  createReservationMonitor,
  RESERVATION_MONITOR_DEFAULTS,
} from '../../../src/credit-control/reservation-monitor.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { chargeRequest, newBucket } from '../../support/charge-requests.js';
import { openEngine, silentLogger } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';

/** As its rows read: name with labels, value. */
const SHOWN = /^tolld_charging_\S+ \d+$/gm;

it('shows what open sessions reserve of each resource, and no more what they have given back', async () => {
  const engine = await openEngine({ partitions: 2 });
  await fundAccount(engine, 'a', [newBucket('data', 'octets', 1_000)]);
  await fundAccount(engine, 'b', [newBucket('cash', 'EUR', 1_000)], 1);
  await fundAccount(engine, 'idle', [newBucket('data', 'octets', 1_000)]);
  const metrics = createMetrics({ processMetrics: false });
  const monitor = createReservationMonitor(
    // Lots of one account: every lot is summed.
    { partitions: 2, ...RESERVATION_MONITOR_DEFAULTS, accountsAtOnce: 1, pauseMs: 0 },
    { engine, logger: silentLogger, metrics },
  );
  const shown = async (): Promise<readonly string[]> => {
    await monitor.runOnce();
    return (await metrics.exposition()).match(SHOWN) ?? [];
  };
  const inB = { accountId: 'b', partition: 1, sessionId: 'paid' };
  await charge(engine, chargeRequest({ phase: 'initial', number: 0, want: 300 }));
  await charge(engine, chargeRequest({ phase: 'initial', number: 0, want: 100, sessionId: 't' }));
  await charge(engine, chargeRequest({ phase: 'initial', number: 0, want: 200, ...inB }));
  expect(await shown()).toEqual([
    'tolld_charging_reserved_amount{resource="octets"} 400',
    'tolld_charging_reserved_amount{resource="EUR"} 200',
    'tolld_charging_open_sessions 3',
  ]);
  await charge(engine, chargeRequest({ phase: 'terminate', number: 1, used: 200, ...inB }));
  expect(await shown()).toEqual([
    'tolld_charging_reserved_amount{resource="octets"} 400',
    'tolld_charging_open_sessions 2',
  ]);
});
