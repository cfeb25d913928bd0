/**
 * A Diameter node that connects: what a gateway is. The simulator plays gateways with it, and tests
 * hold the server to it. One client is one connection; whoever owns it decides when to come back.
 */
import { connect } from 'node:net';
import type { Logger } from '../observability/logger.js';
import { DiameterConnection, type ConnectionOwner } from './connection.js';
import { writeErrorAnswer } from './error-answer.js';
import { CommandCode, ResultCode } from './generated/enumerations.js';
import { createEndToEnd } from './identifiers.js';
import { encodeIdentity, type EncodedIdentity, type NodeIdentity } from './identity.js';
import { DIAMETER_LIMITS, type DiameterLimits } from './limits.js';
import { readHeader } from './message-header.js';
import { MessageReader } from './message-reader.js';
import type { MessageWriter } from './message-writer.js';
import {
  readServerRequest,
  writeServerAnswer,
  type ReceivedServerRequest,
  type ServerCommand,
} from './messages/server-initiated.js';
import { unsigned24 } from './octets.js';
import { resolvePeer } from './peer.js';

export interface DiameterClientOptions {
  readonly identity: NodeIdentity;
  readonly host: string;
  readonly port: number;
  readonly limits?: Partial<DiameterLimits>;
}

export interface DiameterClientDependencies {
  readonly logger: Logger;
  /** Decides a RAR or ASR: the Result-Code of its answer. Default: 5002, no such session. */
  readonly serverRequest?: (request: ReceivedServerRequest) => number;
  /** The connection has ended, whoever ended it; not called when it never opened. */
  readonly closed?: (reason: string) => void;
}

export interface SentIds {
  readonly hopByHop: number;
  readonly endToEnd: number;
}

export interface DiameterClient {
  readonly identity: EncodedIdentity;
  /** Connects and exchanges capabilities. @throws ConnectionError when that fails. */
  open(): Promise<void>;
  /** Whether requests can be sent. */
  readonly isOpen: boolean;
  /** Origin-Host of the other side. */
  readonly serverHost: string | null;
  /**
   * Sends a request and reads its answer: `read` gets a reader that holds the answer, and whether
   * it is whole.
   * @throws NoAnswerError when none comes in time or the connection ends.
   */
  request<T>(
    write: (writer: MessageWriter, ids: SentIds) => void,
    read: (reader: MessageReader) => T,
    options?: { readonly timeoutMs?: number; readonly endToEnd?: number },
  ): Promise<T>;
  /** Says DPR, waits for the answer, closes. */
  close(): Promise<void>;
  /** Cuts the connection without a word. */
  destroy(): void;
}

/** A connection that did not come about. */
export class ConnectionError extends Error {
  readonly code = 'TOLLD_DIAMETER_CONNECTION';

  constructor(reason: string) {
    super(`no connection: ${reason}`);
    this.name = 'ConnectionError';
  }
}

const SERVER_COMMANDS = new Map<number, ServerCommand>([
  [CommandCode.ReAuth, 're-auth'],
  [CommandCode.AbortSession, 'abort-session'],
]);

export function createDiameterClient(
  options: DiameterClientOptions,
  dependencies: DiameterClientDependencies,
): DiameterClient {
  const { logger, serverRequest = () => ResultCode.DIAMETER_UNKNOWN_SESSION_ID } = dependencies;
  const limits: DiameterLimits = { ...DIAMETER_LIMITS, ...options.limits };
  const identity = encodeIdentity(options.identity);
  const reader = new MessageReader(limits);
  const endToEnd = createEndToEnd(Date.now());
  let connection: DiameterConnection | null = null;
  let wasOpen = false;
  let settleOpen: { resolve: () => void; reject: (error: Error) => void } | undefined;
  let settleClosed: (() => void) | undefined;

  const owner: ConnectionOwner = {
    // A gateway talks to whom it was told to call.
    admit: ({ originHost, originRealm }) => ({
      peer: resolvePeer({
        name: originHost,
        originHost,
        realm: originRealm,
        networkScope: originRealm,
      }),
    }),
    opened() {
      wasOpen = true;
      settleOpen?.resolve();
    },
    received: answerServerRequest,
    silent() {},
    closed(_, reason) {
      settleOpen?.reject(new ConnectionError(reason));
      settleClosed?.();
      if (wasOpen) dependencies.closed?.(reason);
    },
  };

  function answerServerRequest(message: Buffer, from: DiameterConnection): void {
    const header = readHeader(message);
    const command = SERVER_COMMANDS.get(unsigned24(message, 5));
    const fault =
      command === undefined
        ? {
            resultCode: ResultCode.DIAMETER_COMMAND_UNSUPPORTED,
            reason: 'unknown command',
            failedAvp: null,
          }
        : reader.read(message);
    if (command === undefined || fault !== null) {
      if (fault !== null) {
        from.send((writer) => writeErrorAnswer(writer, message, fault, identity));
      }
      return;
    }
    const request = readServerRequest(reader, command);
    const answer = { ...request, resultCode: serverRequest(request) };
    from.send((writer) => writeServerAnswer(writer, header, answer, identity));
  }

  function open(): Promise<void> {
    return new Promise((resolve, reject) => {
      settleOpen = { resolve, reject };
      const socket = connect({ host: options.host, port: options.port, noDelay: true });
      connection = new DiameterConnection(
        { role: 'initiator', identity, limits },
        { socket, owner, logger, reader, endToEnd },
      );
    });
  }

  function request<T>(
    write: (writer: MessageWriter, ids: SentIds) => void,
    read: (reader: MessageReader) => T,
    sendOptions: { readonly timeoutMs?: number; readonly endToEnd?: number } = {},
  ): Promise<T> {
    if (connection === null) return Promise.reject(new ConnectionError('not opened'));
    const readAnswer = (answer: Buffer): T => {
      reader.read(answer);
      return read(reader);
    };
    return connection.request(write, readAnswer, sendOptions);
  }

  async function close(): Promise<void> {
    const current = connection;
    if (current === null || current.state === 'closed') return;
    const closed = new Promise<void>((resolve) => {
      settleClosed = resolve;
    });
    if (current.state === 'open') current.stop(0, 'closed by us');
    else if (current.state !== 'closing') current.drop('closed by us');
    await closed;
  }

  return {
    identity,
    open,
    get isOpen() {
      return connection?.state === 'open';
    },
    get serverHost() {
      return connection?.capabilities?.originHost ?? null;
    },
    request,
    close,
    destroy: () => connection?.drop('cut'),
  };
}
