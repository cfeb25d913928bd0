/** The measure script: what a live session of the network may use from now on. */
import type { Amount } from '../domain/amounts.js';
import {
  gaugeCode,
  levelOf,
  packCap,
  type AccessLevel,
  type FairUseCap,
  type Gauge,
} from './admission.js';
import { packRequest, type ChargeRequest } from './charge-request.js';
import { bytesOf, callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { pack, unpack } from './packing.js';
import { asArray, asLimit, asNumber, asTimeOrNull } from './unpacked.js';

export interface MeasureRequest {
  /** An update that reports nothing and asks for nothing. */
  readonly charge: ChargeRequest;
  readonly gauges: readonly Gauge[];
  readonly expiresAt: number | null;
  readonly sessionsMax: number | null;
  readonly caps: readonly FairUseCap[];
}

export interface SessionMeasure {
  readonly kind: 'measured';
  readonly at: number;
  /** A service of it can be given nothing more. */
  readonly spent: boolean;
  /** By service: the total that the session may come to, as its NAS counts; null for any. */
  readonly limits: readonly (Amount | null)[];
  /** When what it may use ends; null where nothing ends it. */
  readonly endsAt: number | null;
  /** By what its account has used in the periods that run. */
  readonly fairUse: Extract<AccessLevel, { readonly kind: 'full' | 'fair-use' }>;
}

export type MeasureOutcome =
  | SessionMeasure
  | {
      readonly kind: 'refused';
      readonly refusal:
        'fenced' | 'newer-state' | 'unknown-account' | 'unknown-session' | 'service-denied';
    };

const REFUSALS = new Map([
  [layout.REPLY_FENCED, 'fenced'],
  [layout.REPLY_NEWER_STATE, 'newer-state'],
  [layout.REPLY_UNKNOWN_ACCOUNT, 'unknown-account'],
  // Gone elsewhere: its profile says where, or soon will.
  [layout.REPLY_MOVED, 'unknown-account'],
  [layout.REPLY_UNKNOWN_SESSION, 'unknown-session'],
  [layout.REPLY_SERVICE_DENIED, 'service-denied'],
] as const);

/** Measures a session; changes nothing. @throws EngineUnavailableError */
export async function measureSession(
  engine: Engine,
  request: MeasureRequest,
): Promise<MeasureOutcome> {
  const { keys } = engine;
  const { partition, accountId, sessionId, sharing } = request.charge;
  const reply = await callScript(
    engine,
    'measure',
    [
      keys.account(partition, accountId),
      keys.session(partition, sessionId),
      keys.control(partition),
      keys.access(partition, accountId),
      ...(sharing ? [keys.account(partition, sharing.ownerAccountId)] : []),
    ],
    [
      packRequest(request.charge),
      pack([
        request.expiresAt ?? 0,
        request.sessionsMax ?? 0,
        request.gauges.map(gaugeCode),
        request.caps.map(packCap),
      ]),
    ],
  );
  const status = statusOf(reply);
  if (status === layout.REPLY_DONE) return readMeasure(bytesOf(reply, 1));
  const refusal = REFUSALS.get(status as never);
  if (refusal === undefined) throw new EngineReplyError(`measure replied status ${status}`);
  return { kind: 'refused', refusal };
}

function readMeasure(packed: Buffer): SessionMeasure {
  const fields = [null, ...asArray(unpack(packed))];
  const level = levelOf(asNumber(fields[layout.MEASURED_LEVEL]));
  return {
    kind: 'measured',
    at: asNumber(fields[layout.MEASURED_AT]),
    spent: fields[layout.MEASURED_SPENT] === true,
    limits: asArray(fields[layout.MEASURED_LIMITS]).map(asLimit),
    endsAt: asTimeOrNull(fields[layout.MEASURED_ENDS_AT]),
    fairUse: level.kind === 'fair-use' ? level : { kind: 'full' },
  };
}
