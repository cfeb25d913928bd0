/**
 * The way of a request, whatever carried it: who sent it, is it genuine, was it here before, is
 * there room for it; then to the exchange of its kind, and its reply back.
 */
import type { RadiusVersion } from '../domain/nas.js';
import type { Logger } from '../observability/logger.js';
import type { AccessExchange, GenuineRequest, Reply } from './access-exchange.js';
import type { AccountingExchange } from './accounting-exchange.js';
import { attributeValue, type RawAttribute } from './attribute.js';
import { encodeReply } from './authenticator.js';
import { DuplicateTable, type RequestEntry } from './duplicate-table.js';
import { MessageAuthenticator, NasIdentifier, ProxyState, State } from './generated/standard.js';
import { LimitedLog } from './limited-log.js';
import type { RadiusMetrics } from './metrics.js';
import { selectNas, type NasClient } from './nas-clients.js';
import { PACKET_CODES, packetCodeName } from './packet-code.js';
import { decodePacket, type Malformation, type RadiusPacket } from './packet.js';
import type { RequestVerifier } from './request-verifier.js';
import { type Verdict } from './request-verifier.js';
import type { SharedSecret } from './shared-secret.js';
import {
  encodeTokenPacket,
  errorAttributes,
  tokenOf,
  type ErrorCauseName,
} from './token-packet.js';

/** Why a packet is left without an answer. */
export type DropReason =
  | Malformation
  | Extract<Verdict, { readonly ok: false }>['why']
  | 'unknown-client'
  | 'unexpected-code'
  | 'duplicate-pending'
  | 'overloaded'
  | 'client-overloaded'
  | 'no-status-type'
  | 'no-session-id'
  | 'undecided'
  | 'failed'
  | 'timed-out';

/** What a port is for; TLS carries everything over one. */
export type PortService = 'authentication' | 'accounting' | 'both';

/** A datagram, or a packet out of a stream, and the way back. */
export interface Arrival {
  readonly octets: Buffer;
  readonly service: PortService;
  /** NAS that this source may be, most specific first. */
  readonly candidates: readonly NasClient[];
  /** Address of the sender. */
  readonly address: string;
  /** Address, port and socket (or the connection): identifiers are unique within it. */
  readonly source: string;
  /** What its connection has agreed on; 1.1 is spoken over TLS only. */
  readonly version: RadiusVersion;
  /** The secret of a TLS connection, instead of the client's own. */
  readonly tlsSecret: SharedSecret | null;
  readonly send: (reply: Buffer) => void;
  /** Called once the packet has been dropped or answered, or its answer was given up. */
  readonly done?: () => void;
  /** Told whether the packet is its NAS' own, where the source is to be remembered for it. */
  readonly onProven: ((nas: NasClient) => void) | null;
  readonly onForged: (() => void) | null;
}

export interface PipelineOptions {
  /** Requests under way in all; beyond it new ones are dropped unless they go on with State. */
  readonly pendingMax: number;
  /** Requests under way of one NAS, so that none takes the place of all others. */
  readonly pendingPerClientMax: number;
  readonly accessAnsweredMs: number;
  readonly accountingAnsweredMs: number;
  readonly pendingMs: number;
  readonly logIntervalMs: number;
}

export interface PipelineDependencies {
  readonly access: AccessExchange;
  readonly accounting: AccountingExchange;
  readonly verifier: RequestVerifier;
  readonly logger: Logger;
  readonly metrics: RadiusMetrics;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

const LOG_KEYS_MAX = 1_024;
/** Exchanges that have begun get this much room above the limit [RFC 5080 2.2.3]. */
const STATE_ROOM = 1.25;

/** TLS says who sends, so that no packet has to [RFC 9765 4]. */
const PROVEN_BY_TLS = { ok: true, secret: null, secretProven: true, unprotected: false } as const;
/** Octets of a packet of which the token can be read. */
const TOKEN_END = 8;

/** What a peer is told of a request that is left without its answer, over RADIUS/1.1. */
const ERROR_CAUSES: Partial<Readonly<Record<DropReason, ErrorCauseName>>> = {
  'unknown-client': 'NAS-Identification-Mismatch',
  'attribute-too-short': 'Invalid-Request',
  'attribute-overrun': 'Invalid-Request',
  'too-many-attributes': 'Invalid-Request',
};

const DROPPED = 'radius packet dropped';

/** A request under way and what it needs to end. */
interface Turn {
  readonly request: GenuineRequest;
  readonly arrival: Arrival;
  readonly table: DuplicateTable;
  readonly entry: RequestEntry;
}

export class RequestPipeline {
  readonly #options: PipelineOptions;
  readonly #dependencies: PipelineDependencies;
  readonly #log: LimitedLog;
  readonly #unknown: { inc(): void };
  readonly #access: DuplicateTable;
  readonly #accounting: DuplicateTable;
  #idle: (() => void)[] = [];
  /** Requests of RADIUS/1.1 so far. */
  #unrepeated = 0;

  constructor(options: PipelineOptions, dependencies: PipelineDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { pendingMs, accessAnsweredMs, accountingAnsweredMs, logIntervalMs } = options;
    this.#unknown = dependencies.metrics.dropped.labels('unknown-client');
    this.#log = new LimitedLog(
      { intervalMs: logIntervalMs, keysMax: LOG_KEYS_MAX },
      dependencies.logger,
    );
    this.#access = new DuplicateTable({ answeredMs: accessAnsweredMs, pendingMs });
    this.#accounting = new DuplicateTable({ answeredMs: accountingAnsweredMs, pendingMs });
  }

  /** Requests under way. */
  get pending(): number {
    return this.#access.pending + this.#accounting.pending;
  }

  /** Resolves when no request is under way. */
  async idle(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Forgets old answers and gives up requests that got none in time. */
  sweep(): void {
    const { metrics, clock } = this.#dependencies;
    const now = clock();
    const givenUp = this.#access.sweep(now) + this.#accounting.sweep(now);
    if (givenUp > 0) metrics.dropped.inc({ reason: 'timed-out' }, givenUp);
    metrics.pending.set(this.pending);
    this.#wakeIdle();
  }

  /**
   * Takes one packet, and says whether a request began with it. Never throws: what cannot be answered is
   * counted and dropped.
   */
  take(arrival: Arrival): boolean {
    const { metrics, verifier, clock } = this.#dependencies;
    const { candidates } = arrival;
    if (candidates.length === 0) return this.#drop('unknown-client', arrival);
    const decoded = decodePacket(arrival.octets);
    if (!decoded.ok) return this.#drop(decoded.malformation, arrival);
    const { packet } = decoded;
    const named = selectNas(candidates, packet.get(NasIdentifier));
    // A proxy asks in nobody's name whether we are there, with the one secret that it has.
    const nas =
      named ?? (packet.code === PACKET_CODES['Status-Server'] ? candidates[0] : undefined);
    if (nas === undefined) return this.#drop('unknown-client', arrival);
    if (!isServed(packet.code, arrival.service)) return this.#drop('unexpected-code', arrival, nas);
    const { address, tlsSecret } = arrival;
    const isSigned = arrival.version === '1.0';
    const verdict = isSigned ? verifier.verify(packet, { nas, address, tlsSecret }) : PROVEN_BY_TLS;
    if (!verdict.ok) {
      arrival.onForged?.();
      return this.#drop(verdict.why, arrival, nas);
    }
    if (verdict.secretProven && named !== undefined) arrival.onProven?.(named);
    if (verdict.unprotected) this.#warnUnprotected(nas, arrival);
    metrics.received.inc({ code: packetCodeName(packet.code) });
    const { secret, secretProven } = verdict;
    const uniqueId = isSigned ? null : `${arrival.source} ${(this.#unrepeated += 1)}`;
    const receivedAt = clock();
    const request = { packet, nas, address, secret, secretProven, uniqueId, receivedAt };
    if (packet.code === PACKET_CODES['Status-Server']) return this.#answerStatus(request, arrival);
    return this.#begin(request, arrival);
  }

  /** Counts and logs a datagram of a source that no NAS has. */
  dropUnknown(address: string): void {
    this.#unknown.inc();
    const reason = 'unknown-client';
    this.#log.warn(
      `${reason} ${address}`,
      { reason, address },
      DROPPED,
      this.#dependencies.clock(),
    );
  }

  /** Counts and logs a request that is left without an answer. */
  #drop(reason: DropReason, arrival: Arrival, nas?: NasClient): false {
    const { metrics, clock } = this.#dependencies;
    metrics.dropped.inc({ reason });
    const { address } = arrival;
    const fields = { reason, address, ...(nas === undefined ? {} : { nas: nas.name }) };
    this.#log.warn(`${reason} ${address}`, fields, DROPPED, clock());
    this.#tellError(reason, arrival);
    arrival.done?.();
    return false;
  }

  /** Over RADIUS/1.1 a request that is not processed is never left in silence [RFC 9765 6.1]. */
  #tellError(reason: DropReason, { version, octets, send }: Arrival): void {
    const [code] = octets;
    const isRequest =
      code === PACKET_CODES['Access-Request'] || code === PACKET_CODES['Accounting-Request'];
    if (version === '1.0' || !isRequest || octets.length < TOKEN_END) return;
    const attributes = errorAttributes(ERROR_CAUSES[reason] ?? 'Resources-Unavailable');
    send(encodeTokenPacket(PACKET_CODES['Protocol-Error'], tokenOf(octets), attributes));
    this.#dependencies.metrics.replied.inc({ code: 'Protocol-Error' });
  }

  /** The same for a request that an exchange found nothing to do with. */
  dropIncomplete(reason: 'no-status-type' | 'no-session-id', { nas }: GenuineRequest): void {
    const { metrics, clock } = this.#dependencies;
    metrics.dropped.inc({ reason });
    this.#log.warn(`${reason} ${nas.name}`, { reason, nas: nas.name }, DROPPED, clock());
  }

  #warnUnprotected(nas: NasClient, { address }: Arrival): void {
    const { metrics, clock } = this.#dependencies;
    metrics.unprotected.inc();
    const fields = { nas: nas.name, address };
    const message = 'Access-Request without Message-Authenticator: switch it on, then require it';
    this.#log.warn(`unprotected ${nas.name} ${address}`, fields, message, clock());
  }

  /** Answered at once and under any load, and never passed on [RFC 5997 3, 4.2]. */
  #answerStatus(request: GenuineRequest, arrival: Arrival): false {
    const code =
      arrival.service === 'accounting'
        ? PACKET_CODES['Accounting-Response']
        : PACKET_CODES['Access-Accept'];
    arrival.send(encode(request, { code, attributes: [], secret: request.secret }));
    this.#dependencies.metrics.replied.inc({ code: packetCodeName(code) });
    arrival.done?.();
    return false;
  }

  #begin(request: GenuineRequest, arrival: Arrival): boolean {
    const { packet, nas, receivedAt } = request;
    const isAccess = packet.code === PACKET_CODES['Access-Request'];
    const table = isAccess ? this.#access : this.#accounting;
    const { identifier } = packet;
    const authenticator = packet.authenticator.toString('latin1');
    const mark = { source: arrival.source, identifier, authenticator, client: nas.name };
    // Over RADIUS/1.1 no request is another's resend, whatever its token [RFC 9765 4.2.2].
    if (request.uniqueId === null) {
      const known = table.find(mark, receivedAt);
      if (known.kind === 'answered') return this.#repeat(known.reply, arrival);
      if (known.kind === 'pending') return this.#drop('duplicate-pending', arrival, nas);
    }
    const overload = this.#overload(request);
    if (overload !== undefined) return this.#drop(overload, arrival, nas);
    const entry = table.begin(mark, receivedAt);
    const { access, accounting } = this.#dependencies;
    void this.#run(isAccess ? access : accounting, { request, arrival, table, entry });
    return true;
  }

  /** The same octets again [RFC 5080 2.2.2]. */
  #repeat(reply: Buffer, arrival: Arrival): false {
    this.#dependencies.metrics.repeated.inc({ code: packetCodeName(reply[0] ?? 0) });
    arrival.send(reply);
    arrival.done?.();
    return false;
  }

  #overload({ packet, nas }: GenuineRequest): DropReason | undefined {
    const { pendingMax, pendingPerClientMax } = this.#options;
    // An exchange that has begun is worth more than a new one [RFC 5080 2.2.3].
    const room = packet.has(State) ? STATE_ROOM : 1;
    if (this.pending >= pendingMax * room) return 'overloaded';
    const ofClient = this.#access.pendingOf(nas.name) + this.#accounting.pendingOf(nas.name);
    return ofClient >= pendingPerClientMax * room ? 'client-overloaded' : undefined;
  }

  async #run(exchange: AccessExchange | AccountingExchange, turn: Turn): Promise<void> {
    const { request, arrival, table, entry } = turn;
    const startedAt = performance.now();
    try {
      const reply = await exchange(request);
      if (reply === null) {
        table.abandon(entry);
        this.#dependencies.metrics.dropped.inc({ reason: 'undecided' });
        this.#tellError('undecided', arrival);
      } else this.#reply(reply, turn, startedAt);
    } catch (error) {
      table.abandon(entry);
      this.#fail(error, request, arrival);
      this.#tellError('failed', arrival);
    } finally {
      arrival.done?.();
      this.#wakeIdle();
    }
  }

  #reply(reply: Reply, { request, arrival, table, entry }: Turn, startedAt: number): void {
    const { metrics, clock } = this.#dependencies;
    const octets = encode(request, reply);
    if (request.uniqueId !== null) table.abandon(entry);
    // Given up meanwhile, or replaced by another request with its identifier.
    else if (!table.answer(entry, octets, clock())) return;
    arrival.send(octets);
    const code = packetCodeName(reply.code);
    metrics.replied.inc({ code });
    metrics.latency.observe({ code }, (performance.now() - startedAt) / 1000);
  }

  #fail(error: unknown, { nas, packet }: GenuineRequest, { address }: Arrival): void {
    const { metrics, clock } = this.#dependencies;
    metrics.dropped.inc({ reason: 'failed' });
    const fields = { err: error, nas: nas.name, code: packetCodeName(packet.code), address };
    const what = error instanceof Error ? error.message : String(error);
    this.#log.warn(`failed ${nas.name} ${what}`, fields, 'radius request failed', clock());
  }

  #wakeIdle(): void {
    if (this.pending > 0 || this.#idle.length === 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

/** Signs a reply, the request's Proxy-States behind it in their order [RFC 2865 5.33]. */
function encode({ packet }: GenuineRequest, reply: Reply): Buffer {
  const isAccounting = reply.code === PACKET_CODES['Accounting-Response'];
  const { attributes } = reply;
  return encodeReply({
    code: reply.code,
    request: packet,
    attributes: packet.has(ProxyState) ? [...attributes, ...proxyStates(packet)] : attributes,
    secret: reply.secret,
    messageAuthenticator: !isAccounting || packet.has(MessageAuthenticator),
  });
}

function proxyStates(packet: RadiusPacket): RawAttribute[] {
  return packet.all(ProxyState).map((value) => attributeValue(ProxyState, value));
}

function isServed(code: number, service: PortService): boolean {
  if (code === PACKET_CODES['Status-Server']) return true;
  if (code === PACKET_CODES['Access-Request']) return service !== 'accounting';
  if (code === PACKET_CODES['Accounting-Request']) return service !== 'authentication';
  return false;
}
