/** Shows, again and again, what open sessions hold of all balances: the value at risk. */
import type { Engine } from '../charging/engine.js';
import { measureReservations } from '../charging/reservations.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import { createRounds, pause } from './rounds.js';

export interface ReservationMonitorOptions {
  readonly partitions: number;
  /** From the end of one round to the next. */
  readonly intervalMs: number;
  /** Accounts read in one go, and how long others are served before the next ones. */
  readonly accountsAtOnce: number;
  readonly pauseMs: number;
}

/** At most 500 accounts a second: a hundred thousand open sessions are measured in some minutes. */
export const RESERVATION_MONITOR_DEFAULTS = Object.freeze({
  intervalMs: 15_000,
  accountsAtOnce: 25,
  pauseMs: 50,
});

export interface ReservationMonitor {
  start(): void;
  /** One round over every partition; the metrics change when it is whole. */
  runOnce(): Promise<void>;
  stop(): Promise<void>;
}

export function createReservationMonitor(
  { partitions, intervalMs, accountsAtOnce, pauseMs }: ReservationMonitorOptions,
  dependencies: {
    readonly engine: Engine;
    readonly logger: Logger;
    readonly metrics: Metrics;
  },
): ReservationMonitor {
  const { engine, logger } = dependencies;
  const amounts = dependencies.metrics.gauge<'resource'>({
    name: 'tolld_charging_reserved_amount',
    help: "What open sessions hold of all balances, in the resource's smallest unit.",
    labels: ['resource'],
  });
  const sessions = dependencies.metrics.gauge({
    name: 'tolld_charging_open_sessions',
    help: 'Sessions that have begun and not ended.',
  });
  async function runOnce(): Promise<void> {
    const reserved = new Map<string, bigint>();
    let openSessions = 0;
    for (let partition = 0; partition < partitions; partition += 1) {
      if (rounds.signal.aborted) return;
      const pace = { accountsAtOnce, pause: () => pause(pauseMs, rounds.signal) };
      const totals = await measureReservations(engine, partition, pace);
      openSessions += totals.openSessions;
      for (const [resource, amount] of totals.reserved) {
        reserved.set(resource, (reserved.get(resource) ?? 0n) + amount);
      }
    }
    // What nobody holds any more is not shown as it last was.
    amounts.reset();
    for (const [resource, amount] of reserved) amounts.set({ resource }, Number(amount));
    sessions.set(openSessions);
  }

  const rounds = createRounds(
    { intervalMs },
    {
      runOnce,
      onFailure: (err) =>
        logger.warn({ err }, 'reservations could not be summed; it is tried again'),
    },
  );
  return { start: () => rounds.start(), runOnce, stop: () => rounds.stop() };
}
