/**
 * Serves Credit-Control-Requests of any connection: reads one, asks the handler, answers on the
 * connection it came by, with the same identifiers. What can't be read is answered with its fault.
 */
import type { CreditControlHandler, CreditControlOutcome } from '../domain/credit-control.js';
import type { Logger } from '../observability/logger.js';
import type { DiameterConnection } from './connection.js';
import type { DecodeFault } from './decode-fault.js';
import type { Destination } from './destination.js';
import { writeErrorAnswer } from './error-answer.js';
import { CommandCode, ResultCode } from './generated/enumerations.js';
import { CreditControlRequest as Ccr } from './generated/grammars.js';
import { readCreditControlRequest, type AnswerContext, type GyRequest } from './gy.js';
import { writeCreditControlAnswer, writeFailure } from './gy-answer.js';
import type { EncodedIdentity } from './identity.js';
import { BASE_APPLICATION, CREDIT_CONTROL_APPLICATION } from './message-header.js';
import { MESSAGE, type MessageReader } from './message-reader.js';
import type { DiameterMetrics } from './metrics.js';
import { unsigned24, unsigned32 } from './octets.js';
import type { OriginStates } from './origin-states.js';
import type { ResolvedPeer } from './peer.js';

export interface GyServiceDependencies {
  readonly handler: CreditControlHandler;
  readonly originStates: OriginStates;
  readonly identity: EncodedIdentity;
  readonly destination: Destination;
  readonly reader: MessageReader;
  readonly logger: Logger;
  readonly metrics: DiameterMetrics;
}

export interface GyService {
  /** Takes a request that isn't the base protocol's own. */
  readonly serve: (message: Buffer, connection: DiameterConnection) => void;
  /**
   * From now on requests are sent elsewhere (3004). Resolves when those in flight are answered.
   */
  drain(): Promise<void>;
}

export function createGyService(dependencies: GyServiceDependencies): GyService {
  const { handler, originStates, identity, destination, reader, logger, metrics } = dependencies;
  const countRequest = createRequestCounter(metrics);
  let draining = false;
  let flying = 0;
  let landed: (() => void) | undefined;

  function serve(message: Buffer, connection: DiameterConnection): void {
    const peer = connection.peer;
    if (peer === null) return;
    const fault = judge(message);
    const decoded = fault === null ? readCreditControlRequest(reader, peer) : null;
    if (decoded === null) {
      refuse(message, connection, fault ?? reader.fault);
      return;
    }
    const stateId = reader.unsigned32(MESSAGE, Ccr.originStateId);
    originStates.note(peer, decoded.request.origin.host, stateId);
    decide(decoded, connection, peer);
  }

  /** What keeps the message from being read as a request for us. */
  function judge(message: Buffer): DecodeFault | null {
    const application = unsigned32(message, 8);
    const command = unsigned24(message, 5);
    if (application !== CREDIT_CONTROL_APPLICATION && application !== BASE_APPLICATION) {
      const resultCode = ResultCode.DIAMETER_APPLICATION_UNSUPPORTED;
      return { resultCode, reason: 'application unsupported', failedAvp: null };
    }
    if (command !== CommandCode.CreditControl || application === BASE_APPLICATION) {
      const resultCode = ResultCode.DIAMETER_COMMAND_UNSUPPORTED;
      return { resultCode, reason: 'unknown command', failedAvp: null };
    }
    if (draining) {
      const resultCode = ResultCode.DIAMETER_TOO_BUSY;
      return { resultCode, reason: 'node is going down', failedAvp: null };
    }
    return reader.read(message) ?? destination.judge(reader, Ccr);
  }

  function refuse(
    message: Buffer,
    connection: DiameterConnection,
    found: DecodeFault | null,
  ): void {
    const resultCode = ResultCode.DIAMETER_UNABLE_TO_COMPLY;
    const fault = found ?? { resultCode, reason: 'not readable', failedAvp: null };
    logger.debug(
      { peer: connection.peer?.name, resultCode: fault.resultCode, reason: fault.reason },
      'request refused',
    );
    countRequest(fault.resultCode);
    connection.send((writer) => writeErrorAnswer(writer, message, fault, identity));
  }

  function decide(
    { request, context }: GyRequest,
    connection: DiameterConnection,
    peer: ResolvedPeer,
  ): void {
    const startedMs = performance.now();
    connection.requestStarted();
    flying += 1;
    metrics.inFlight.inc();
    const answered = (outcome: CreditControlOutcome): void => {
      answer(context, outcome, connection, peer);
      finish(connection, startedMs);
    };
    const failed = (error: unknown): void => {
      logger.error({ err: error, peer: peer.name }, 'request could not be decided');
      answerFailure(context, connection, peer);
      finish(connection, startedMs);
    };
    // A handler that throws before its first await is answered as one that rejects.
    new Promise<CreditControlOutcome>((resolve) => resolve(handler(request))).then(
      answered,
      failed,
    );
  }

  function answer(
    context: AnswerContext,
    outcome: CreditControlOutcome,
    connection: DiameterConnection,
    peer: ResolvedPeer,
  ): void {
    connection.send((writer) => {
      countRequest(
        writeCreditControlAnswer(writer, context, outcome, { identity, profile: peer.profile }),
      );
    });
  }

  function answerFailure(
    context: AnswerContext,
    connection: DiameterConnection,
    peer: ResolvedPeer,
  ): void {
    const resultCode = ResultCode.DIAMETER_UNABLE_TO_COMPLY;
    countRequest(resultCode);
    connection.send((writer) =>
      writeFailure(
        writer,
        context,
        { resultCode, reason: 'unable to comply' },
        { identity, profile: peer.profile },
      ),
    );
  }

  function finish(connection: DiameterConnection, startedMs: number): void {
    metrics.inFlight.dec();
    metrics.requestSeconds.observe((performance.now() - startedMs) / 1000);
    connection.requestFinished();
    flying -= 1;
    if (flying === 0) landed?.();
  }

  return {
    serve,
    drain() {
      draining = true;
      if (flying === 0) return Promise.resolve();
      return new Promise((resolve) => {
        landed = resolve;
      });
    },
  };
}

/** Label lookups cost a microsecond: each result's counter is looked up once. */
function createRequestCounter(metrics: DiameterMetrics): (resultCode: number) => void {
  const counters = new Map<number, { inc(): void }>();
  return (resultCode) => {
    let counter = counters.get(resultCode);
    if (counter === undefined) {
      counter = metrics.requests.labels('Credit-Control', String(resultCode));
      counters.set(resultCode, counter);
    }
    counter.inc();
  };
}
