/**
 * Re-Auth and Abort-Session towards gateways [RFC 8506 5.5, RFC 6733 8.3, 8.5]: to the session's
 * Origin-Host over any of its connections, or else over those of the relay that it came by.
 */
import type { DiameterConnection } from './connection.js';
import { ResultCode } from './generated/enumerations.js';
import type { EncodedIdentity } from './identity.js';
import type { DiameterLimits } from './limits.js';
import { RELAY_APPLICATION } from './message-header.js';
import type { MessageReader } from './message-reader.js';
import {
  readServerAnswer,
  writeServerRequest,
  type ServerCommand,
} from './messages/server-initiated.js';
import type { DiameterMetrics } from './metrics.js';
import { NoAnswerError } from './pending-requests.js';
import type { PeerDirectory } from './peer-directory.js';

/** A session as a gateway knows it, with the way by which its requests came. */
export interface SessionRoute {
  readonly sessionId: string;
  /** Origin-Host and Origin-Realm of the session's last request. */
  readonly origin: { readonly host: string; readonly realm: string };
  /** Name of the declared peer that the request came from: the gateway itself, or a relay. */
  readonly peer: string;
}

/** What became of a request to a gateway. */
export type ServerRequestOutcome =
  /** The gateway took it: 2xxx. RAR is followed by a Credit-Control-Request [RFC 8506 5.5]. */
  | { readonly kind: 'accepted'; readonly resultCode: number }
  /** The gateway doesn't know the session (any more): 5002. */
  | { readonly kind: 'unknown-session'; readonly resultCode: number }
  /** Any other code; 0 when the answer had none, or could not be read. */
  | { readonly kind: 'refused'; readonly resultCode: number }
  /** Every attempt ended without an answer. */
  | { readonly kind: 'no-answer' }
  /** No connection leads to the gateway from this node. */
  | { readonly kind: 'unreachable' }
  /** The profile of the peer says that its gateways don't act on such requests. */
  | { readonly kind: 'not-supported' };

export interface ServerRequestsDependencies {
  readonly connections: ReadonlySet<DiameterConnection>;
  readonly directory: PeerDirectory;
  readonly identity: EncodedIdentity;
  readonly reader: MessageReader;
  readonly endToEnd: () => number;
  readonly limits: Pick<DiameterLimits, 'serverRequestAttemptsMax'>;
  readonly metrics: Pick<DiameterMetrics, 'serverRequests'>;
}

export interface ServerRequest {
  readonly command: ServerCommand;
  readonly route: SessionRoute;
  readonly ratingGroup?: number;
}

const LABELS: Readonly<Record<ServerCommand, string>> = {
  're-auth': 'Re-Auth',
  'abort-session': 'Abort-Session',
};

/** Protocol errors after which another connection may do better [RFC 6733 7.1.3]. */
const ELSEWHERE: ReadonlySet<number> = new Set([
  ResultCode.DIAMETER_UNABLE_TO_DELIVER,
  ResultCode.DIAMETER_TOO_BUSY,
]);

/** Makes the function that sends one request and tells what became of it, once in the metrics too. */
export function createServerRequests(
  dependencies: ServerRequestsDependencies,
): (request: ServerRequest) => Promise<ServerRequestOutcome> {
  const { connections, directory, identity, reader, endToEnd, limits, metrics } = dependencies;

  /** Open connections in the order to try: the gateway's own first, trusted ones first. */
  function ways({ origin, peer }: SessionRoute): DiameterConnection[] {
    const host = origin.host.toLowerCase();
    const direct: DiameterConnection[] = [];
    const relayed: DiameterConnection[] = [];
    for (const connection of connections) {
      if (connection.state !== 'open') continue;
      if (connection.capabilities?.originHost.toLowerCase() === host) direct.push(connection);
      else if (connection.peer?.name === peer && isRelay(connection)) relayed.push(connection);
    }
    return [...trustedFirst(direct), ...trustedFirst(relayed)];
  }

  function isSupported(command: ServerCommand, route: SessionRoute): boolean {
    const profile = directory.named(route.peer)?.profile;
    if (profile === undefined) return true;
    return command === 're-auth' ? profile.reAuthorisation : profile.abortSession;
  }

  /** @returns the Result-Code of the answer, or null when there was none. */
  async function attempt(
    request: ServerRequest,
    connection: DiameterConnection,
    ids: { readonly endToEnd: number; readonly retransmitted: boolean },
  ): Promise<number | null> {
    const { command, route, ratingGroup } = request;
    const message = {
      command,
      sessionId: route.sessionId,
      destinationHost: route.origin.host,
      destinationRealm: route.origin.realm,
      retransmitted: ids.retransmitted,
      ...(ratingGroup === undefined ? {} : { ratingGroup }),
    };
    try {
      return await connection.request(
        (writer, identifiers) => writeServerRequest(writer, identifiers, message, identity),
        (answer) => (reader.read(answer) === null ? readServerAnswer(reader, command) : 0),
        { endToEnd: ids.endToEnd },
      );
    } catch (error) {
      if (error instanceof NoAnswerError) return null;
      throw error;
    }
  }

  async function send(request: ServerRequest): Promise<ServerRequestOutcome> {
    if (!isSupported(request.command, request.route)) return { kind: 'not-supported' };
    // One request: the same End-to-End Identifier in every attempt [RFC 6733 3].
    const id = endToEnd();
    const tried = new Set<DiameterConnection>();
    let retransmitted = false;
    let last: ServerRequestOutcome = { kind: 'unreachable' };
    for (let left = limits.serverRequestAttemptsMax; left > 0; left -= 1) {
      const open = ways(request.route);
      const untried = open.find((connection) => !tried.has(connection));
      // Each connection has its turn; only one that said nothing is asked again.
      const way = untried ?? (last.kind === 'no-answer' ? open[0] : undefined);
      if (way === undefined) return last;
      const resultCode = await attempt(request, way, { endToEnd: id, retransmitted });
      tried.add(way);
      if (resultCode === null) {
        last = { kind: 'no-answer' };
        retransmitted = true;
      } else if (!ELSEWHERE.has(resultCode)) return outcomeOf(resultCode);
      else last = { kind: 'refused', resultCode };
    }
    return last;
  }

  return async (request) => {
    const outcome = await send(request);
    const result = 'resultCode' in outcome ? String(outcome.resultCode) : outcome.kind;
    metrics.serverRequests.labels(LABELS[request.command], boundedResult(result)).inc();
    return outcome;
  };
}

/**
 * Whether requests for hosts behind it may go there. A peer that is declared by its host and is not
 * the session's Origin-Host passed the session on; one of many hosts of a realm must say it relays.
 */
export function isRelay({ peer, capabilities }: DiameterConnection): boolean {
  return (
    peer?.originHost !== null || capabilities?.applications.includes(RELAY_APPLICATION) === true
  );
}

function trustedFirst(connections: readonly DiameterConnection[]): DiameterConnection[] {
  return [...connections].sort((one, other) => Number(other.trusted) - Number(one.trusted));
}

function outcomeOf(resultCode: number): ServerRequestOutcome {
  if (resultCode >= 2000 && resultCode < 3000) return { kind: 'accepted', resultCode };
  const unknown = resultCode === ResultCode.DIAMETER_UNKNOWN_SESSION_ID;
  return { kind: unknown ? 'unknown-session' : 'refused', resultCode };
}

const KNOWN_RESULTS: ReadonlySet<string> = new Set(Object.values(ResultCode).map(String));

/** A gateway may answer any number: those that no dictionary names share one label. */
function boundedResult(result: string): string {
  return /^\d+$/.test(result) && !KNOWN_RESULTS.has(result) ? 'other' : result;
}
