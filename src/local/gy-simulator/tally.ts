/**
 * What the simulated sessions used, as the gateways counted it, and what that must have cost. It
 * shares no line with the engine: a difference between the two is a finding.
 */
import type { SimulatedUnit } from './traffic.js';

/** Price of a service in whole steps: each step that was begun costs `amountPerStep`. */
export interface TallyPrice {
  /** Rating group, or null for services that name none. */
  readonly ratingGroup: number | null;
  readonly unit: SimulatedUnit;
  readonly step: bigint;
  /** In the currency's smallest unit. */
  readonly amountPerStep: bigint;
  readonly connectionFee?: bigint;
}

export interface TallyService {
  readonly ratingGroup: number | null;
  readonly unit: SimulatedUnit;
  /** Units that were reported and whose report was answered. */
  readonly used: bigint;
  /** What they must have cost, or null where no price was given. */
  readonly cost: bigint | null;
}

export interface TallySession {
  readonly sessionId: string;
  readonly imsi: string;
  /** False when a report was never answered: then nobody can say whether it was charged. */
  readonly certain: boolean;
  readonly services: readonly TallyService[];
}

/** What the system under test says of a service of a session. */
export interface ChargedService {
  readonly sessionId: string;
  readonly ratingGroup: number | null;
  readonly unit: SimulatedUnit;
  readonly used: bigint;
  readonly cost: bigint | null;
}

export interface TallyDifference {
  readonly sessionId: string;
  readonly ratingGroup: number | null;
  readonly what: 'used' | 'cost' | 'missing' | 'unexpected';
  readonly expected: string;
  readonly actual: string;
}

interface Running {
  readonly imsi: string;
  certain: boolean;
  readonly services: Map<string, { ratingGroup: number | null; unit: SimulatedUnit; used: bigint }>;
}

export class Tally {
  readonly #prices: readonly TallyPrice[];
  readonly #sessions = new Map<string, Running>();

  constructor(prices: readonly TallyPrice[] = []) {
    this.#prices = prices;
  }

  open(sessionId: string, imsi: string): void {
    this.#sessions.set(sessionId, { imsi, certain: true, services: new Map() });
  }

  /** Counts a report that was answered. */
  add(
    sessionId: string,
    service: { readonly ratingGroup: number | null; readonly unit: SimulatedUnit },
    used: number,
  ): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    const key = `${service.ratingGroup ?? '-'}/${service.unit}`;
    const running = session.services.get(key) ?? { ...service, used: 0n };
    running.used += BigInt(used);
    session.services.set(key, running);
  }

  /** A report was never answered. */
  doubt(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) session.certain = false;
  }

  sessions(): TallySession[] {
    return [...this.#sessions].map(([sessionId, { imsi, certain, services }]) => ({
      sessionId,
      imsi,
      certain,
      services: [...services.values()].map((service) => ({
        ratingGroup: service.ratingGroup,
        unit: service.unit,
        used: service.used,
        cost: this.#costOf(service),
      })),
    }));
  }

  #costOf(service: {
    readonly ratingGroup: number | null;
    readonly unit: SimulatedUnit;
    readonly used: bigint;
  }): bigint | null {
    const price = this.#prices.find(
      ({ ratingGroup, unit }) => ratingGroup === service.ratingGroup && unit === service.unit,
    );
    if (price === undefined) return null;
    if (service.used === 0n) return 0n;
    const steps = (service.used + price.step - 1n) / price.step;
    return steps * price.amountPerStep + (price.connectionFee ?? 0n);
  }
}

/** Where the two disagree; sessions that are not certain are left out. */
export function compareTally(
  sessions: readonly TallySession[],
  charged: readonly ChargedService[],
): TallyDifference[] {
  const differences: TallyDifference[] = [];
  const key = (sessionId: string, ratingGroup: number | null, unit: string): string =>
    `${sessionId}\n${ratingGroup ?? '-'}\n${unit}`;
  const actual = new Map(
    charged.map((one) => [key(one.sessionId, one.ratingGroup, one.unit), one]),
  );
  const uncertain = new Set(sessions.filter((one) => !one.certain).map((one) => one.sessionId));
  for (const session of sessions) {
    for (const service of session.services) {
      const { sessionId } = session;
      const { ratingGroup } = service;
      const place = key(sessionId, ratingGroup, service.unit);
      const found = actual.get(place);
      actual.delete(place);
      if (!session.certain) continue;
      const say = (what: TallyDifference['what'], expected: unknown, got: unknown): void => {
        differences.push({
          sessionId,
          ratingGroup,
          what,
          expected: String(expected),
          actual: String(got),
        });
      };
      if (found === undefined) {
        if (service.used > 0n) say('missing', service.used, 'nothing');
        continue;
      }
      if (found.used !== service.used) say('used', service.used, found.used);
      if (service.cost !== null && found.cost !== null && found.cost !== service.cost) {
        say('cost', service.cost, found.cost);
      }
    }
  }
  for (const { sessionId, ratingGroup, used } of actual.values()) {
    if (uncertain.has(sessionId) || used === 0n) continue;
    const unexpected = { what: 'unexpected', expected: 'nothing', actual: String(used) } as const;
    differences.push({ sessionId, ratingGroup, ...unexpected });
  }
  return differences;
}
