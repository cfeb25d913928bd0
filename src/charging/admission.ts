/** The admit script: may a subscriber whose credentials were checked come in, and with what. */
import type { Amount } from '../domain/amounts.js';
import { areTermsKept, packUnnumbered, sayTerms, type ChargeRequest } from './charge-request.js';
import { bytesOf, callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { pack, unpack, type Packable, type Unpacked } from './packing.js';
import type { ScriptReply } from './script-loader.js';
import { asArray, asLimit, asNumber, asText, asTimeOrNull } from './unpacked.js';

/** What a service of a session counts. */
export const GAUGES = ['total', 'download', 'upload', 'seconds'] as const;
export type Gauge = (typeof GAUGES)[number];

/** Units a second that the line of a session carries; 0 where nobody knows. */
export type GaugeRates = Readonly<Record<Exclude<Gauge, 'seconds'>, number>>;

/** Fair use: octets in a period after which sessions are at `level`. */
export interface FairUseCap {
  readonly id: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly counts: Exclude<Gauge, 'seconds'>;
  readonly octets: Amount;
  /** From 1, the higher the slower. */
  readonly level: number;
  /** What the step carries, both directions together. */
  readonly octetsPerSecond: number;
}

/** What a session is given: the plan, a step of fair use, a rung of its ladder, or the garden. */
export type AccessLevel =
  | { readonly kind: 'full' }
  | { readonly kind: 'fair-use'; readonly step: number }
  | { readonly kind: 'ladder'; readonly rung: number }
  | { readonly kind: 'garden' }
  /** Only ever wanted: a new login, as its NAS did not do what it said it did. */
  | { readonly kind: 'anew' };

export interface AdmissionRequest {
  /** An initial request; its `want` is used for services whose rate is not known. */
  readonly charge: ChargeRequest;
  readonly requestKey: string;
  /** What each of the charge's services counts. */
  readonly gauges: readonly Gauge[];
  /** Terms of each service under which its use costs nothing, packed. */
  readonly freeTerms: readonly Buffer[];
  readonly rates: GaugeRates;
  readonly expiresAt: number | null;
  readonly sessionsMax: number | null;
  /** Whose sessions are counted: an account may have several users. */
  readonly user: string;
  readonly nas: string;
  readonly sessionKey: string | null;
  readonly station: string | null;
  readonly port: string | null;
  readonly interim: { readonly minSeconds: number; readonly maxSeconds: number };
  /** How long the session may wait for its start. */
  readonly provisionalMs: number;
  /** How long a resend gets the same answer. */
  readonly answerMs: number;
  readonly gardens: { readonly noCredit: boolean; readonly expired: boolean };
  readonly caps: readonly FairUseCap[];
  /** Kept with the session. */
  readonly network: string;
  /**
   * Names of which none is to have failed to log in (LoginFailures), looked at in the same step; absent
   * where they were looked at before, as they must be in a cluster.
   */
  readonly unfailed?: readonly string[] | undefined;
}

export type AdmissionVerdict =
  'admitted' | 'garden' | 'no-credit' | 'expired' | 'too-many-sessions' | 'suspended' | 'closed';

export interface Admission {
  readonly kind: 'decided';
  readonly repeated: boolean;
  readonly verdict: AdmissionVerdict;
  readonly sessionId: string;
  readonly at: number;
  readonly interimSeconds: number;
  /** When what it may use ends; null where nothing ends it. */
  readonly endsAt: number | null;
  /** Units that the NAS may be told as a limit, by service; null for none. */
  readonly limits: readonly (Amount | null)[];
  readonly level: AccessLevel;
}

export type AdmissionOutcome =
  | Admission
  | {
      readonly kind: 'refused';
      readonly refusal:
        'fenced' | 'newer-state' | 'unknown-account' | 'stale-profile' | 'failed-before';
    };

const VERDICTS: ReadonlyMap<number, AdmissionVerdict> = new Map([
  [layout.VERDICT_ADMITTED, 'admitted'],
  [layout.VERDICT_GARDEN, 'garden'],
  [layout.VERDICT_NO_CREDIT, 'no-credit'],
  [layout.VERDICT_EXPIRED, 'expired'],
  [layout.VERDICT_TOO_MANY, 'too-many-sessions'],
  [layout.VERDICT_SUSPENDED, 'suspended'],
  [layout.VERDICT_CLOSED, 'closed'],
]);

/**
 * Decides an admission in one atomic step.
 * @throws EngineUnavailableError, EngineOutOfMemoryError
 */
export async function admit(engine: Engine, request: AdmissionRequest): Promise<AdmissionOutcome> {
  const { keys } = engine;
  const { charge, unfailed = [] } = request;
  const { partition, accountId, sharing } = charge;
  const touched = [
    keys.account(partition, accountId),
    keys.session(partition, charge.sessionId),
    keys.control(partition),
    keys.outbox(partition),
    keys.timers(partition),
    keys.access(partition, accountId),
    keys.answer(partition, request.requestKey),
  ];
  if (sharing) touched.push(keys.account(partition, sharing.ownerAccountId));
  for (const who of unfailed) touched.push(keys.failures(who));
  const run = (terms: 'named' | 'whole'): Promise<ScriptReply> => {
    const args: (string | Buffer)[] = packUnnumbered(charge, terms);
    args.push(request.network, packAdmission(request, terms));
    if (unfailed.length === 0) return callScript(engine, 'admit', touched, args);
    args.push(String(unfailed.length));
    return callScript(engine, 'admit_unfailed', touched, args);
  };
  let reply = await run(areTermsKept(charge) ? 'named' : 'whole');
  // Nobody came in by them yet since Redis has started, or has forgotten them.
  if (statusOf(reply) === layout.REPLY_TERMS_UNKNOWN) reply = await run('whole');
  const status = statusOf(reply);
  switch (status) {
    case layout.REPLY_DONE:
    case layout.REPLY_REPEATED:
      return readAdmission(bytesOf(reply, 1), status === layout.REPLY_REPEATED);
    case layout.REPLY_FENCED:
      return { kind: 'refused', refusal: 'fenced' };
    case layout.REPLY_NEWER_STATE:
      return { kind: 'refused', refusal: 'newer-state' };
    // Gone elsewhere: its profile says where, or soon will.
    case layout.REPLY_MOVED:
    case layout.REPLY_UNKNOWN_ACCOUNT:
      return { kind: 'refused', refusal: 'unknown-account' };
    case layout.REPLY_STALE_PROFILE:
      return { kind: 'refused', refusal: 'stale-profile' };
    case layout.REPLY_FAILED_BEFORE:
      return { kind: 'refused', refusal: 'failed-before' };
    default:
      throw new EngineReplyError(`admit replied status ${status}`);
  }
}

function packAdmission(request: AdmissionRequest, terms: 'named' | 'whole'): Buffer {
  const { gardens, interim } = request;
  return pack([
    request.expiresAt ?? 0,
    request.sessionsMax ?? 0,
    request.nas,
    request.sessionKey ?? false,
    request.station ?? false,
    request.port ?? false,
    request.user,
    interim.minSeconds,
    interim.maxSeconds,
    request.provisionalMs,
    request.answerMs,
    packRates(request.rates),
    request.gauges.map(gaugeCode),
    request.caps.map(packCap),
    (gardens.noCredit ? layout.GARDEN_NO_CREDIT : 0) +
      (gardens.expired ? layout.GARDEN_EXPIRED : 0),
    sayTerms(request.freeTerms, terms),
  ]);
}

function readAdmission(packed: Buffer, repeated: boolean): Admission {
  const fields = asArray(unpack(packed));
  // By Lua's count, from 1.
  const at = (place: number): Unpacked | undefined => fields[place - 1];
  const verdict = VERDICTS.get(asNumber(at(layout.ADMITTED_VERDICT)));
  if (verdict === undefined) throw new EngineReplyError('admit answered an unknown verdict');
  return {
    kind: 'decided',
    repeated,
    verdict,
    sessionId: asText(at(layout.ADMITTED_SESSION)),
    at: asNumber(at(layout.ADMITTED_AT)),
    interimSeconds: asNumber(at(layout.ADMITTED_INTERIM_S)),
    endsAt: asTimeOrNull(at(layout.ADMITTED_ENDS_AT)),
    limits: asArray(at(layout.ADMITTED_LIMITS)).map(asLimit),
    level: levelOf(asNumber(at(layout.ADMITTED_LEVEL))),
  };
}

export function gaugeCode(gauge: Gauge): number {
  return GAUGES.indexOf(gauge) + 1;
}

/** In the order of the gauges; a second has one second. */
export function packRates(rates: GaugeRates): readonly number[] {
  return GAUGES.map((gauge) => rateOf(rates, gauge));
}

export function rateOf(rates: GaugeRates, gauge: Gauge): number {
  return gauge === 'seconds' ? 1 : Math.floor(rates[gauge]);
}

export function packCap(cap: FairUseCap): readonly Packable[] {
  return [
    cap.id,
    cap.fromMs,
    cap.untilMs,
    gaugeCode(cap.counts),
    cap.octets,
    cap.level,
    cap.octetsPerSecond,
  ];
}

/** A level from its code. */
export function levelOf(code: number): AccessLevel {
  if (code >= layout.LEVEL_ANEW) return { kind: 'anew' };
  if (code >= layout.LEVEL_GARDEN) return { kind: 'garden' };
  if (code > layout.LEVEL_LADDER) return { kind: 'ladder', rung: code - layout.LEVEL_LADDER };
  return code > layout.LEVEL_FULL ? { kind: 'fair-use', step: code } : { kind: 'full' };
}

/** The code of a level. */
export function levelCode(level: AccessLevel): number {
  switch (level.kind) {
    case 'full':
      return layout.LEVEL_FULL;
    case 'fair-use':
      return level.step;
    case 'ladder':
      return layout.LEVEL_LADDER + level.rung;
    case 'garden':
      return layout.LEVEL_GARDEN;
    case 'anew':
      return layout.LEVEL_ANEW;
  }
}
