/** Steers Gy sessions: Re-Auth and Abort-Session Requests over the connections of a server. */
import type { SteeringAttempt, SteeringResult, SteeringSender } from '../domain/steering.js';
import type { DiameterServer } from './server.js';
import type { ServerRequestOutcome } from './server-requests.js';

export function createDiameterSteering(server: DiameterServer): SteeringSender {
  return {
    reach: () =>
      server
        .connections()
        .flatMap(({ peer, originHost, relays }) => [
          hostWay(originHost),
          ...(relays ? [relayWay(peer)] : []),
        ]),
    ways: ({ origin, peer }) => [hostWay(origin.host), relayWay(peer)],
    send: async ({ kind, sessionId, route }: SteeringAttempt) => {
      const { origin, peer } = route;
      const to = { sessionId, origin, peer };
      return resultOf(kind === 'abort' ? await server.sendAbort(to) : await server.sendReAuth(to));
    },
  };
}

function hostWay(host: string): string {
  return `host:${host.toLowerCase()}`;
}

function relayWay(peer: string): string {
  return `relay:${peer}`;
}

/** 3xxx and 4xxx may pass; what a gateway says with 5xxx it will say again [RFC 6733 7.1]. */
const PERMANENT_FROM = 5000;

function resultOf(outcome: ServerRequestOutcome): SteeringResult {
  switch (outcome.kind) {
    case 'accepted':
    case 'unknown-session':
      return { outcome: outcome.kind, detail: String(outcome.resultCode) };
    case 'refused': {
      const { resultCode } = outcome;
      const again = resultCode < PERMANENT_FROM;
      return { outcome: 'refused', detail: String(resultCode), again };
    }
    case 'no-answer':
      return { outcome: 'unanswered' };
    case 'unreachable':
    case 'not-supported':
      return { outcome: outcome.kind };
  }
}
