/**
 * Places to send from. A NAS remembers a request for as long as its Event-Timestamp is fresh, so a
 * port and an identifier may be used again towards it only after that: 256 requests per port and
 * window, and more ports for more [RFC 5176 6.3].
 */

const IDENTIFIERS = 256;

export interface SourcePortsOptions {
  readonly portsMax: number;
  /** How long an identifier rests towards one NAS after it was used. */
  readonly windowMs: number;
}

export interface Place {
  /** Number of the port, from 0. */
  readonly port: number;
  readonly identifier: number;
}

/** The identifiers of one port towards one destination. */
interface Lane {
  next: number;
  readonly usedAt: Float64Array;
}

export class SourcePorts {
  readonly #options: SourcePortsOptions;
  readonly #lanes = new Map<string, Lane[]>();

  constructor(options: SourcePortsOptions) {
    this.#options = options;
  }

  /** A place that is free towards a destination; null when all have been used too recently. */
  take(destination: string, now: number): Place | null {
    const lanes = this.#lanes.get(destination) ?? [];
    this.#lanes.set(destination, lanes);
    for (let port = 0; port < this.#options.portsMax; port += 1) {
      const lane = lanes[port] ?? openLane(lanes);
      // In order around the circle, so that the next one is the one that rested longest.
      const usedAt = lane.usedAt[lane.next] ?? -Infinity;
      if (now - usedAt < this.#options.windowMs) continue;
      const identifier = lane.next;
      lane.usedAt[identifier] = now;
      lane.next = (identifier + 1) % IDENTIFIERS;
      return { port, identifier };
    }
    return null;
  }
}

function openLane(lanes: Lane[]): Lane {
  const lane: Lane = { next: 0, usedAt: new Float64Array(IDENTIFIERS).fill(-Infinity) };
  lanes.push(lane);
  return lane;
}
