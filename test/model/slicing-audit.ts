/**
 * Invariant 7: however usage was cut into reports, what a service has cost is the price of all its
 * units at once, as long as one rate line priced them.
 */
import type { PackableRateLine } from '../../src/charging/charge-request.js';
import type { Impact, OutboxEntry, UsageEvent } from '../../src/domain/events.js';
import { sessionOf, type AuditedStep } from './audited-step.js';
import { pay } from './price.js';

interface Bill {
  readonly lineId: string;
  /** Units that money paid for. */
  units: bigint;
}

const NOTHING = { units: 0n, billed: [], counter: 0n, gross: 0n, cost: 0n, opened: false };

export class SlicingAudit {
  readonly #money = new Set<string>();
  /** Null for a service that more than one line priced, or that it can't be told for. */
  readonly #bills = new Map<string, Bill | null>();

  /** @returns what a service should have cost and did not. */
  step(step: AuditedStep): readonly string[] {
    const { call, entries } = step;
    const events = entries.flatMap(({ accounts }) => accounts).flatMap(({ events: own }) => own);
    for (const event of events) {
      if (event.type !== 'ledger' || event.grant === null) continue;
      // One that was purged may have had the same name and been of the other kind.
      if (event.grant.kind === 'money') this.#money.add(event.grant.bucketId);
      else this.#money.delete(event.grant.bucketId);
    }
    this.#forgetEnded(step);
    if (call.kind !== 'charge' && call.kind !== 'settle') return [];
    const windows = call.request.services.flatMap(({ windows: open }) => open);
    return entries.flatMap((entry) =>
      usagesIn(entry).flatMap((usage) => {
        const window = windows.find(({ line }) => line.id === usage.tariffVersion);
        // Counters of a period are moved by other services too; free units move no meter.
        if (window?.kind !== 'charged') return [];
        const text = this.#usage(usage, window.line, entry);
        return text === null ? [] : [text];
      }),
    );
  }

  /** A session of the same name begins anew once one was removed. */
  #forgetEnded({ call, session }: AuditedStep): void {
    const sessionId = sessionOf(call);
    if (sessionId === null || session !== null) return;
    for (const name of this.#bills.keys()) {
      if (name.startsWith(`${sessionId} `)) this.#bills.delete(name);
    }
  }

  #usage(usage: UsageEvent, line: PackableRateLine, entry: OutboxEntry): string | null {
    const name = `${usage.sessionId} ${usage.service}`;
    const known = this.#bills.get(name);
    const bill = known === undefined ? { lineId: line.id, units: 0n } : known;
    const shared = sharedImpacts(entry, usage.service);
    const isCut = usagesIn(entry).filter(({ service }) => service === usage.service).length > 1;
    const untold = isCut && shared.length > 0;
    if (bill?.lineId !== line.id || line.counter !== null || untold) {
      this.#bills.set(name, null);
      return null;
    }
    this.#bills.set(name, bill);
    for (const { bucketId, units } of [...usage.impacts, ...shared]) {
      if (this.#money.has(bucketId)) bill.units += BigInt(units);
    }
    // The event tells the total after the whole report.
    if (isCut) return null;
    const whole = bill.units === 0n ? 0n : pay(line, NOTHING, bill.units).cost;
    return whole === BigInt(usage.serviceAfter.cost)
      ? null
      : `${name} cost ${usage.serviceAfter.cost}; its ${bill.units} units at once cost ${whole}`;
  }
}

function usagesIn(entry: OutboxEntry): readonly UsageEvent[] {
  return entry.accounts
    .flatMap(({ events }) => events)
    .filter((event): event is UsageEvent => event.type === 'usage');
}

function sharedImpacts(entry: OutboxEntry, service: string): readonly Impact[] {
  return entry.accounts
    .flatMap(({ events }) => events)
    .flatMap((event) =>
      event.type === 'shared-usage' && event.service === service ? event.impacts : [],
    );
}
