/** Credit-Control-Answer: what was decided, in the form that the gateway asked in [RFC 8506 3.2]. */
import type { CreditControlOutcome, Refusal, ServiceOutcome } from '../domain/credit-control.js';
import type { PeerProfile } from '../domain/diameter-peer.js';
import { Avp } from './generated/avps.js';
import {
  CcRequestType,
  CcSessionFailover,
  CheckBalanceResult,
  CommandCode,
  CreditControlFailureHandling,
  DirectDebitingFailureHandling,
  LowBalanceIndication,
  ResultCode,
} from './generated/enumerations.js';
import type { AnswerContext } from './gy.js';
import { isProtocolError, REFUSAL_CODES, SERVICE_CODES } from './gy-results.js';
import { writeFinalUnit } from './final-unit.js';
import { writeGrantedUnits, writePool, writeThreshold } from './gy-units.js';
import type { EncodedIdentity } from './identity.js';
import { CREDIT_CONTROL_APPLICATION, FLAG_ERROR, FLAG_PROXIABLE } from './message-header.js';
import type { MessageWriter } from './message-writer.js';
import { writeCost } from './money.js';

type Answered = Extract<CreditControlOutcome, { kind: 'answered' }>;

const FAILURE_HANDLING = {
  terminate: CreditControlFailureHandling.TERMINATE,
  continue: CreditControlFailureHandling.CONTINUE,
  'retry-and-terminate': CreditControlFailureHandling.RETRY_AND_TERMINATE,
} as const;

const DEBITING_FAILURE_HANDLING = {
  'terminate-or-buffer': DirectDebitingFailureHandling.TERMINATE_OR_BUFFER,
  continue: DirectDebitingFailureHandling.CONTINUE,
} as const;

export interface AnswerOptions {
  readonly identity: EncodedIdentity;
  readonly profile: PeerProfile;
}

/**
 * Writes the answer to a request.
 * @returns its Result-Code at command level.
 */
export function writeCreditControlAnswer(
  writer: MessageWriter,
  context: AnswerContext,
  outcome: CreditControlOutcome,
  options: AnswerOptions,
): number {
  if (outcome.kind === 'refused') {
    const resultCode = REFUSAL_CODES[outcome.refusal];
    writeFailure(writer, context, { resultCode, reason: refusalText(outcome.refusal) }, options);
    return resultCode;
  }
  const resultCode = commandCode(outcome, context, options.profile);
  begin(writer, context, resultCode, options);
  writeSupervision(writer, options.profile);
  if (context.multipleServices) {
    for (const service of outcome.services) {
      if (isWorthSaying(service, context)) writeService(writer, service, context, options.profile);
    }
  } else {
    writeCommandLevelService(writer, outcome.services[0], options.profile);
  }
  const cost = outcome.cost ?? soleCost(outcome, context);
  if (cost !== undefined) writeCost(writer, cost);
  if (outcome.enoughCredit !== undefined) {
    const { ENOUGH_CREDIT, NO_CREDIT } = CheckBalanceResult;
    writer.integer32(Avp.CheckBalanceResult, outcome.enoughCredit ? ENOUGH_CREDIT : NO_CREDIT);
  }
  if (outcome.lowBalance) writer.integer32(Avp.LowBalanceIndication, LowBalanceIndication.YES);
  finish(writer, context);
  return resultCode;
}

/** Writes the answer to a request that nothing was decided about. */
export function writeFailure(
  writer: MessageWriter,
  context: AnswerContext,
  failure: { readonly resultCode: number; readonly reason: string },
  options: AnswerOptions,
): void {
  begin(writer, context, failure.resultCode, options);
  writer.text(Avp.ErrorMessage, failure.reason);
  finish(writer, context);
}

function begin(
  writer: MessageWriter,
  context: AnswerContext,
  resultCode: number,
  { identity }: AnswerOptions,
): void {
  const error = isProtocolError(resultCode) ? FLAG_ERROR : 0;
  writer.begin({
    flags: (context.flags & FLAG_PROXIABLE) | error,
    command: CommandCode.CreditControl,
    application: CREDIT_CONTROL_APPLICATION,
    hopByHop: context.hopByHop,
    endToEnd: context.endToEnd,
  });
  writer.text(Avp.SessionId, context.sessionId);
  writer.unsigned32(Avp.ResultCode, resultCode);
  writer.raw(identity.originWithState);
  writer.unsigned32(Avp.AuthApplicationId, CREDIT_CONTROL_APPLICATION);
  writer.integer32(Avp.CcRequestType, context.requestType);
  writer.unsigned32(Avp.CcRequestNumber, context.requestNumber);
}

function finish(writer: MessageWriter, context: AnswerContext): void {
  if (context.repeated !== null) for (const avp of context.repeated) writer.raw(avp);
  writer.end();
}

/** What the gateway does when a node is lost: the same in every answer [RFC 8506 5.7, 6.5]. */
function writeSupervision(writer: MessageWriter, profile: PeerProfile): void {
  const { FAILOVER_SUPPORTED, FAILOVER_NOT_SUPPORTED } = CcSessionFailover;
  writer.integer32(
    Avp.CcSessionFailover,
    profile.sessionFailover ? FAILOVER_SUPPORTED : FAILOVER_NOT_SUPPORTED,
  );
  if (profile.failureHandling !== null) {
    writer.integer32(Avp.CreditControlFailureHandling, FAILURE_HANDLING[profile.failureHandling]);
  }
  if (profile.directDebitingFailureHandling !== null) {
    const handling = DEBITING_FAILURE_HANDLING[profile.directDebitingFailureHandling];
    writer.integer32(Avp.DirectDebitingFailureHandling, handling);
  }
}

/**
 * Result-Code of the command: it says whether the session stands, each service says what it got
 * [RFC 8506 9]. Where the units stand at command level there is one service and its code is the
 * command's.
 */
function commandCode(outcome: Answered, context: AnswerContext, profile: PeerProfile): number {
  const [first] = outcome.services;
  if (first === undefined) return ResultCode.DIAMETER_SUCCESS;
  if (!context.multipleServices) return serviceCode(first, profile);
  const allRefused =
    profile.creditLimitAt === 'command' &&
    outcome.services.every(
      (service) => serviceCode(service, profile) === ResultCode.DIAMETER_CREDIT_LIMIT_REACHED,
    );
  return allRefused ? ResultCode.DIAMETER_CREDIT_LIMIT_REACHED : ResultCode.DIAMETER_SUCCESS;
}

/**
 * A service without units that is redirected or restricted succeeds, unless the gateway wants to
 * hear 4012 [RFC 8506 5.6.2, 5.6.3].
 */
function serviceCode(service: ServiceOutcome, profile: PeerProfile): number {
  const { finalUnit, granted, result } = service;
  const goesOn = finalUnit !== undefined && finalUnit.action !== 'terminate';
  if (
    goesOn &&
    granted === undefined &&
    (result === 'granted' || result === 'credit-limit-reached')
  ) {
    return profile.finalUnitWithoutGrant === 'success'
      ? ResultCode.DIAMETER_SUCCESS
      : ResultCode.DIAMETER_CREDIT_LIMIT_REACHED;
  }
  return SERVICE_CODES[result];
}

/** The end of a session says nothing of services that were only settled. */
function isWorthSaying(service: ServiceOutcome, context: AnswerContext): boolean {
  return context.requestType !== CcRequestType.TERMINATION_REQUEST || service.result !== 'settled';
}

function writeService(
  writer: MessageWriter,
  service: ServiceOutcome,
  context: AnswerContext,
  profile: PeerProfile,
): void {
  const mark = writer.open(Avp.MultipleServicesCreditControl);
  writeGrantedUnits(writer, service);
  for (const identifier of service.serviceIdentifiers) {
    writer.unsigned32(Avp.ServiceIdentifier, identifier);
  }
  const { ratingGroup } = service;
  if (ratingGroup !== null && ratingGroup !== context.impliedRatingGroup) {
    writer.unsigned32(Avp.RatingGroup, ratingGroup);
  }
  writePool(writer, service);
  writeValidity(writer, service, profile);
  writer.unsigned32(Avp.ResultCode, serviceCode(service, profile));
  if (service.finalUnit !== undefined) writeFinalUnit(writer, service.finalUnit, profile);
  writeThreshold(writer, service);
  if (service.quotaHoldingSeconds !== undefined) {
    writer.unsigned32(Avp.QuotaHoldingTime, service.quotaHoldingSeconds);
  }
  if (service.quotaConsumptionSeconds !== undefined) {
    writer.unsigned32(Avp.QuotaConsumptionTime, service.quotaConsumptionSeconds);
  }
  writer.close(mark);
}

/** RFC 4006 form: units, validity and final unit of the one service stand in the command. */
function writeCommandLevelService(
  writer: MessageWriter,
  service: ServiceOutcome | undefined,
  profile: PeerProfile,
): void {
  if (service === undefined) return;
  writeGrantedUnits(writer, service);
  if (service.finalUnit !== undefined) writeFinalUnit(writer, service.finalUnit, profile);
  writeValidity(writer, service, profile);
}

/** Validity-Time is never 0: a gateway would report at once, for ever. */
function writeValidity(writer: MessageWriter, service: ServiceOutcome, profile: PeerProfile): void {
  if (service.validitySeconds === undefined) return;
  const most = profile.validityMaxSeconds ?? 0xffffffff;
  writer.unsigned32(Avp.ValidityTime, Math.max(1, Math.min(service.validitySeconds, most)));
}

/** Cost of a request with one service, where no cost was given for the whole. */
function soleCost(outcome: Answered, context: AnswerContext): ServiceOutcome['cost'] {
  const [first, second] = outcome.services;
  const { TERMINATION_REQUEST, EVENT_REQUEST } = CcRequestType;
  const last = context.requestType === TERMINATION_REQUEST || context.requestType === EVENT_REQUEST;
  return last && second === undefined ? first?.cost : undefined;
}

/** The refusal in words, without the detail: that may name the subscriber. */
function refusalText(refusal: Refusal): string {
  return refusal.replaceAll('-', ' ');
}
