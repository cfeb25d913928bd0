/**
 * Ends what a gateway held before it restarted. Its sessions are found in the record, so that one
 * opened within the record's lag stays until its supervision time, as does one that was heard of in
 * the last moments: it may be of the gateway that has come back.
 */
import type { Engine } from '../charging/engine.js';
import { engineTime, noteOriginState } from '../charging/origin-states.js';
import { findRoute } from '../charging/routing.js';
import { closeForgotten } from '../charging/sweeping.js';
import type { Logger } from '../observability/logger.js';

export interface RestartsOptions {
  /** Longer than a request of a gateway that came back waits behind the news that it did. */
  readonly heardLatelyMs: number;
}

export const RESTARTS_DEFAULTS: RestartsOptions = Object.freeze({ heardLatelyMs: 5_000 });

export interface GatewayStart {
  /** The declared peer that its messages come by. */
  readonly peer: string;
  /** Origin-Host and Origin-State-Id of the gateway itself, also behind a relay. */
  readonly originHost: string;
  readonly originStateId: number;
}

export interface RestartsDependencies {
  readonly engine: Engine;
  /** Pages of the ids of the open sessions that came by a peer. */
  readonly openSessions: (peer: string) => AsyncIterable<readonly string[]>;
  readonly logger: Logger;
}

export interface Restarts {
  /** A gateway said which of its starts this is. Resolves when what a restart ended has ended. */
  noticed(start: GatewayStart): Promise<void>;
}

export function createRestarts(
  { heardLatelyMs }: RestartsOptions,
  { engine, openSessions, logger }: RestartsDependencies,
): Restarts {
  async function end(peer: string, originHost: string): Promise<number> {
    const forgottenAt = (await engineTime(engine)) - heardLatelyMs;
    const host = originHost.toLowerCase();
    let ended = 0;
    for await (const page of openSessions(peer)) {
      const outcomes = await Promise.all(
        page.map(async (id) => {
          const route = await findRoute(engine, id);
          if (route?.origin.host.toLowerCase() !== host) return null;
          return closeForgotten(engine, { partition: route.partition, id }, forgottenAt);
        }),
      );
      ended += outcomes.filter((outcome) => outcome?.kind === 'expired').length;
    }
    return ended;
  }

  return {
    async noticed({ peer, originHost, originStateId }) {
      if (!(await noteOriginState(engine, originHost, originStateId))) return;
      logger.warn({ peer, originHost, originStateId }, 'gateway has restarted, its sessions end');
      const ended = await end(peer, originHost);
      logger.info({ peer, originHost, ended }, 'sessions of the restarted gateway ended');
    },
  };
}
