/** Which start of itself each host speaks of: news once per host and start [RFC 6733 8.16]. */
import type { ResolvedPeer } from './peer.js';

/** Hosts remembered; when there are more, all are told again. */
const HOSTS_MAX = 10_000;

export interface OriginStart {
  readonly peer: string;
  readonly originHost: string;
  readonly originStateId: number;
}

export class OriginStates {
  readonly #known = new Map<string, number>();
  readonly #tell: (start: OriginStart) => void;

  constructor(tell: (start: OriginStart) => void) {
    this.#tell = tell;
  }

  /** Looks at what a message says; only peers whose restart ends their sessions are listened to. */
  note(peer: ResolvedPeer, originHost: string, originStateId: number | null | undefined): void {
    if (peer.profile.restart !== 'end' || !originStateId) return;
    if (this.#known.get(originHost) === originStateId) return;
    if (this.#known.size >= HOSTS_MAX) this.#known.clear();
    this.#known.set(originHost, originStateId);
    this.#tell({ peer: peer.name, originHost, originStateId });
  }
}
