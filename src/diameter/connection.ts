/**
 * One connection to a peer, whoever opened it: the base protocol's own messages, the watchdog, our
 * requests and their answers. What is neither goes to the owner, who answers through `send`.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { certificateNames } from '../domain/tls-identity.js';
import type { Logger } from '../observability/logger.js';
import type { FarEnd, Refusal, Verdict } from './admission.js';
import { ConnectionWatchdog } from './connection-watchdog.js';
import type { DecodeFault } from './decode-fault.js';
import { writeErrorAnswer } from './error-answer.js';
import { CommandCode, ResultCode } from './generated/enumerations.js';
import { createHopByHop } from './identifiers.js';
import type { EncodedIdentity } from './identity.js';
import type { DiameterLimits } from './limits.js';
import { FLAG_ERROR, FLAG_REQUEST, isRequest, readHeader } from './message-header.js';
import type { MessageReader } from './message-reader.js';
import type { MessageWriter } from './message-writer.js';
import {
  judgeCapabilities,
  readCapabilitiesAnswer,
  readCapabilitiesRequest,
  writeCapabilitiesAnswer,
  writeCapabilitiesRequest,
  type Capabilities,
  type OwnCapabilities,
} from './messages/capabilities-exchange.js';
import { writeWatchdogAnswer, writeWatchdogRequest } from './messages/device-watchdog.js';
import {
  readDisconnectCause,
  writeDisconnectAnswer,
  writeDisconnectRequest,
  type DisconnectCause,
} from './messages/disconnect-peer.js';
import { unsigned24, unsigned32 } from './octets.js';
import type { ResolvedPeer } from './peer.js';
import { stepPeer, type PeerEvent, type PeerState } from './peer-state.js';
import { NoAnswerError, PendingRequests } from './pending-requests.js';
import { Transport } from './transport.js';
import type { WatchdogEvent } from './watchdog.js';

/** What becomes of a connection that has shown its capabilities. */
export type Admission = Verdict | 'wait-for-election';

/** What a connection asks of its owner, the server or the client. */
export interface ConnectionOwner {
  /** Judges who the other side says it is. */
  admit(capabilities: Capabilities, connection: DiameterConnection): Admission;
  opened(connection: DiameterConnection): void;
  /** A request that isn't the base protocol's own. Its bytes may be kept. */
  received(message: Buffer, connection: DiameterConnection): void;
  /** The watchdog has given the peer up; `closed` follows. */
  silent(connection: DiameterConnection): void;
  closed(connection: DiameterConnection, reason: string): void;
}

export interface ConnectionOptions {
  readonly role: 'responder' | 'initiator';
  readonly identity: EncodedIdentity;
  readonly limits: DiameterLimits;
}

export interface ConnectionDependencies {
  /** Of a TLS connection: the socket that checks the other side's certificate. */
  readonly socket: Socket;
  readonly owner: ConnectionOwner;
  readonly logger: Logger;
  /** Shared: it holds one message at a time, and reading is never interrupted. */
  readonly reader: MessageReader;
  readonly endToEnd: () => number;
  /** From 0 to below 1, for the watchdog's jitter. */
  readonly random?: () => number;
}

export class DiameterConnection implements FarEnd {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #transport: Transport;
  readonly #owner: ConnectionOwner;
  readonly #reader: MessageReader;
  readonly #endToEnd: () => number;
  readonly #watchdog: ConnectionWatchdog;
  readonly #pending = new PendingRequests();
  readonly #hopByHop = createHopByHop();
  #logger: Logger;
  #state: PeerState;
  #peer: ResolvedPeer | null = null;
  #capabilities: Capabilities | null = null;
  #cause: DisconnectCause = 0;
  #peerCause: DisconnectCause | null = null;
  #reason = 'closed by the peer';
  #postponed: Buffer[] = [];
  #closedTold = false;
  #lifeTimer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions, dependencies: ConnectionDependencies) {
    const { socket, owner, logger, reader, endToEnd, random = Math.random } = dependencies;
    this.#options = options;
    this.#socket = socket;
    this.#owner = owner;
    this.#reader = reader;
    this.#endToEnd = endToEnd;
    this.#transport = new Transport(options.limits, socket, {
      message: (message) => this.#receive(message),
      broken: (header, resultCode) => this.#break(header, resultCode),
      stalled: () => this.drop('the peer does not read'),
      closed: () => this.#finish(),
    });
    this.#watchdog = new ConnectionWatchdog(
      options.limits,
      {
        heardAtMs: () => this.#transport.heardAtMs,
        held: () => this.#transport.held,
        sendRequest: () => this.#sendWatchdogRequest(),
        failOver: () => this.#pending.failAll('suspect'),
        giveUp: () => this.#giveUp(),
      },
      random,
    );
    this.#logger = logger.child({ remote: this.#transport.remoteAddress });
    this.#state = options.role === 'responder' ? 'wait-cer' : 'connecting';
    if (options.role === 'initiator') this.#transport.whenReady(() => this.#step('connected'));
    this.#setLifeTimer(options.limits.capabilitiesMs);
  }

  get state(): PeerState {
    return this.#state;
  }

  /** The declared peer at the other end, once capabilities are exchanged. */
  get peer(): ResolvedPeer | null {
    return this.#peer;
  }

  get capabilities(): Capabilities | null {
    return this.#capabilities;
  }

  get role(): 'responder' | 'initiator' {
    return this.#options.role;
  }

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  /** Names in the certificate of the other side; null when the connection is not over TLS. */
  get certificateNames(): readonly string[] | null {
    if (!(this.#socket instanceof TLSSocket)) return null;
    return certificateNames(this.#socket.getPeerCertificate());
  }

  /** Why the other side ended the connection; null unless it said so by DPR. */
  get disconnectCause(): DisconnectCause | null {
    return this.#peerCause;
  }

  /** Requests that were received and not answered. */
  get inFlight(): number {
    return this.#transport.inFlight;
  }

  /** The watchdog trusts the peer: requests may be sent to it. */
  get trusted(): boolean {
    return this.#state === 'open' && this.#watchdog.trusted;
  }

  /** Writes messages; they leave together at the end of this turn. */
  send(write: (writer: MessageWriter) => void): void {
    this.#transport.send(write);
  }

  /**
   * Sends a request of ours. `write` gets its identifiers, `read` its answer while the bytes last.
   * @throws NoAnswerError when none comes in time or the connection ends.
   */
  request<T>(
    write: (writer: MessageWriter, ids: { hopByHop: number; endToEnd: number }) => void,
    read: (answer: Buffer) => T,
    options: { readonly timeoutMs?: number; readonly endToEnd?: number } = {},
  ): Promise<T> {
    if (this.#state !== 'open') return Promise.reject(new NoAnswerError('disconnected'));
    const hopByHop = this.#hopByHop();
    const endToEnd = options.endToEnd ?? this.#endToEnd();
    const timeoutMs = options.timeoutMs ?? this.#options.limits.requestMs;
    this.send((writer) => write(writer, { hopByHop, endToEnd }));
    return this.#pending.wait(hopByHop, timeoutMs, read);
  }

  /** The owner took a request; the connection isn't read while too many wait. */
  requestStarted(): void {
    this.#transport.requestStarted();
  }

  /** The owner answered a request, or gave it up. */
  requestFinished(): void {
    this.#transport.requestFinished();
  }

  /** Ends the connection the way the protocol has it: DPR, DPA, close. */
  stop(cause: DisconnectCause, reason: string): void {
    this.#cause = cause;
    this.#reason = reason;
    this.#step('stop');
  }

  /** Drops the connection at once. */
  drop(reason: string): void {
    this.#reason = reason;
    this.#transport.destroy();
    this.#finish();
  }

  /** The election ended: our own connection to this peer came to nothing. */
  goOn(): void {
    this.#step('rival-failed');
    for (const message of this.#postponed.splice(0)) this.#receive(message);
  }

  /** Keeps what comes while an election is open. */
  #postpone(message: Buffer): void {
    this.#postponed.push(message);
    if (this.#postponed.length > this.#options.limits.postponedMax) {
      this.#reason = 'sent too much before its capabilities were answered';
      this.#step('unexpected');
    }
  }

  #receive(message: Buffer): void {
    if (this.#state === 'wait-returns') {
      this.#postpone(message);
      return;
    }
    const flags = message[4] as number;
    const command = unsigned24(message, 5);
    if ((flags & FLAG_REQUEST) === 0) {
      this.#receiveAnswer(command, message);
      return;
    }
    if (this.#state === 'wait-cer' && command !== CommandCode.CapabilitiesExchange) {
      this.#reason = 'spoke before capabilities were exchanged';
      this.#step('unexpected');
      return;
    }
    this.#watch('message');
    // The E bit has no place in a request [RFC 6733 3].
    if ((flags & FLAG_ERROR) !== 0) {
      const resultCode = ResultCode.DIAMETER_INVALID_HDR_BITS;
      this.#answerFault(message, { resultCode, reason: 'E bit in a request', failedAvp: null });
      return;
    }
    switch (command) {
      case CommandCode.CapabilitiesExchange:
        this.#receiveCapabilitiesRequest(message);
        break;
      case CommandCode.DeviceWatchdog:
        this.#receiveWatchdogRequest(message);
        break;
      case CommandCode.DisconnectPeer:
        this.#receiveDisconnectRequest(message);
        break;
      default:
        this.#owner.received(message, this);
    }
  }

  #receiveAnswer(command: number, message: Buffer): void {
    if (command === CommandCode.DeviceWatchdog) {
      this.#watch('watchdog-answer');
      return;
    }
    this.#watch('message');
    if (command === CommandCode.CapabilitiesExchange) {
      this.#receiveCapabilitiesAnswer(message);
    } else if (command === CommandCode.DisconnectPeer) {
      this.#step('disconnect-answer');
    } else if (!this.#pending.settle(unsigned32(message, 12), message)) {
      this.#logger.debug({ command }, 'answer to no request');
    }
  }

  #receiveCapabilitiesRequest(message: Buffer): void {
    const fault = this.#reader.read(message);
    const capabilities = readCapabilitiesRequest(this.#reader);
    const wrong = fault ?? this.#reader.fault;
    if (wrong !== null) {
      this.#answerFault(message, wrong);
      this.#reason = `capabilities exchange: ${wrong.reason}`;
      this.#end();
      return;
    }
    const admission = this.#owner.admit(capabilities, this);
    if (admission === 'wait-for-election') {
      this.#step('election-lost');
      this.#postpone(message);
      return;
    }
    const refusal = this.#refusalOf(admission, capabilities);
    const header = readHeader(message);
    const resultCode = refusal?.resultCode ?? ResultCode.DIAMETER_SUCCESS;
    const own = this.#ownCapabilities(capabilities.vendorSpecific);
    this.send((writer) => writeCapabilitiesAnswer(writer, header, resultCode, own));
    if (refusal !== null || !('peer' in admission)) {
      this.#reason = `capabilities refused with ${resultCode}: ${refusal?.reason}`;
      this.#step('cer-refused');
      return;
    }
    this.#setPeer(admission.peer, capabilities);
    this.#step('cer-accepted');
  }

  #receiveCapabilitiesAnswer(message: Buffer): void {
    if (this.#state !== 'wait-cea') return;
    const fault = this.#reader.read(message);
    const answer = readCapabilitiesAnswer(this.#reader);
    const code = fault?.resultCode ?? answer.resultCode;
    if (code !== ResultCode.DIAMETER_SUCCESS) {
      this.#reason = `capabilities refused with ${code}`;
      this.#step('cea-refused');
      return;
    }
    const admission = this.#owner.admit(answer, this);
    const refusal = admission === 'wait-for-election' ? null : this.#refusalOf(admission, answer);
    if (refusal !== null) this.#reason = `not the peer that was called: ${refusal.reason}`;
    if (refusal !== null || typeof admission === 'string' || !('peer' in admission)) {
      this.#step('cea-refused');
      return;
    }
    this.#setPeer(admission.peer, answer);
    this.#step('cea-accepted');
  }

  /** What keeps the other side out; null when nothing does. */
  #refusalOf(verdict: Verdict, capabilities: Capabilities): Refusal | null {
    if ('resultCode' in verdict) return verdict;
    const resultCode = judgeCapabilities(capabilities, this.#socket instanceof TLSSocket);
    return resultCode === null ? null : { resultCode, reason: 'nothing in common' };
  }

  #receiveWatchdogRequest(message: Buffer): void {
    const fault = this.#reader.read(message);
    if (fault !== null) {
      this.#answerFault(message, fault);
      return;
    }
    const header = readHeader(message);
    this.send((writer) => writeWatchdogAnswer(writer, header, this.#options.identity));
  }

  #receiveDisconnectRequest(message: Buffer): void {
    const fault = this.#reader.read(message);
    if (fault !== null) {
      this.#answerFault(message, fault);
      return;
    }
    const header = readHeader(message);
    this.send((writer) => writeDisconnectAnswer(writer, header, this.#options.identity));
    this.#peerCause = readDisconnectCause(this.#reader);
    this.#reason = 'the peer disconnected';
    this.#step('disconnect-request');
  }

  #setPeer(peer: ResolvedPeer, capabilities: Capabilities): void {
    if (this.#peer === null) this.#logger = this.#logger.child({ peer: peer.name });
    this.#peer = peer;
    this.#capabilities = capabilities;
  }

  #ownCapabilities(vendorSpecific: boolean): OwnCapabilities {
    const addresses = [this.#transport.localAddress];
    return { identity: this.#options.identity, addresses, vendorSpecific };
  }

  /** Answers a request that can't be read, and goes on with the next. */
  #answerFault(message: Buffer, fault: DecodeFault): void {
    this.#logger.debug({ resultCode: fault.resultCode, reason: fault.reason }, 'request refused');
    this.send((writer) => writeErrorAnswer(writer, message, fault, this.#options.identity));
  }

  /** The stream can't be followed: say so where the header lets us, and close. */
  #break(header: Buffer, resultCode: number): void {
    this.#logger.warn({ resultCode }, 'message can not be framed');
    this.#reason = `a message could not be framed (${resultCode})`;
    if (this.#state !== 'wait-cer' && isRequest(readHeader(header))) {
      this.#answerFault(header, {
        resultCode,
        reason: 'not a message of this protocol',
        failedAvp: null,
      });
    }
    this.#end();
  }

  #step(event: PeerEvent): void {
    const wasOpen = this.#state === 'open';
    const { state, actions } = stepPeer(this.#state, event);
    this.#state = state;
    for (const action of actions) {
      switch (action) {
        case 'opened':
          this.#setOpened();
          break;
        case 'send-cer':
          this.#sendCapabilitiesRequest();
          break;
        case 'send-dpr':
          this.#sendDisconnectRequest();
          break;
        case 'disconnect':
        case 'send-cea-and-disconnect':
          this.#end();
          break;
        // Written before the step, from the request that they answer.
        case 'send-cea':
          break;
        case 'send-dpa':
          this.#setLifeTimer(this.#options.limits.disconnectMs);
          break;
      }
    }
    if (wasOpen && state !== 'open') this.#watchdog.stop();
  }

  #setOpened(): void {
    clearTimeout(this.#lifeTimer);
    this.#watch('connection-up');
    this.#owner.opened(this);
  }

  #sendCapabilitiesRequest(): void {
    this.#setLifeTimer(this.#options.limits.capabilitiesMs);
    const ids = { hopByHop: this.#hopByHop(), endToEnd: this.#endToEnd() };
    this.send((writer) => writeCapabilitiesRequest(writer, ids, this.#ownCapabilities(false)));
  }

  #sendDisconnectRequest(): void {
    this.#setLifeTimer(this.#options.limits.disconnectMs);
    const ids = { hopByHop: this.#hopByHop(), endToEnd: this.#endToEnd() };
    const { identity } = this.#options;
    this.send((writer) => writeDisconnectRequest(writer, ids, { identity, cause: this.#cause }));
  }

  /** Until a state that has to pass has passed. */
  #setLifeTimer(ms: number): void {
    clearTimeout(this.#lifeTimer);
    this.#lifeTimer = setTimeout(() => {
      if (this.#state !== 'open' && this.#state !== 'closing') {
        this.#reason = 'no capabilities in time';
      }
      this.#step('timeout');
    }, ms);
  }

  #watch(event: WatchdogEvent): void {
    if (this.#state !== 'open') return;
    this.#watchdog.step(event);
  }

  #sendWatchdogRequest(): void {
    const ids = { hopByHop: this.#hopByHop(), endToEnd: this.#endToEnd() };
    this.send((writer) => writeWatchdogRequest(writer, ids, this.#options.identity));
  }

  #giveUp(): void {
    this.#reason = 'watchdog: the peer is silent';
    this.#logger.warn({}, 'peer is silent, connection given up');
    this.#owner.silent(this);
    this.drop(this.#reason);
  }

  /** Sends what is written, closes our side, and cuts the rest off soon after. */
  #end(): void {
    this.#state = 'closed';
    clearTimeout(this.#lifeTimer);
    this.#transport.end(this.#options.limits.disconnectMs);
  }

  #finish(): void {
    clearTimeout(this.#lifeTimer);
    this.#watchdog.stop();
    this.#state = 'closed';
    this.#pending.failAll('disconnected');
    if (this.#closedTold) return;
    this.#closedTold = true;
    this.#owner.closed(this, this.#transport.failure?.message ?? this.#reason);
  }
}
