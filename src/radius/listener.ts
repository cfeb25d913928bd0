/** What listens for packets of NAS, whatever they come by. */
import type { Logger } from '../observability/logger.js';
import type { NasRegistry } from './nas-clients.js';
import type { Arrival } from './request-pipeline.js';

export interface ListenerDependencies {
  /** Whether a request began with it. */
  readonly take: (arrival: Arrival) => boolean;
  /** The NAS of now: they can be replaced while listening. */
  readonly nas: () => NasRegistry;
  readonly logger: Logger;
}

export interface BoundAddress {
  readonly address: string;
  readonly port: number;
}

export interface Listener {
  /** @throws the operating system's error. */
  listen(): Promise<BoundAddress>;
  /** Takes nothing more, and can still answer what is under way. */
  stopTaking(): void;
  close(): Promise<void>;
}
