/** The report scripts: what a NAS says of a session, charged by what its running totals grew by. */
import type { Amount } from '../domain/amounts.js';
import {
  gaugeCode,
  levelCode,
  levelOf,
  packCap,
  packRates,
  rateOf,
  type AccessLevel,
  type FairUseCap,
  type Gauge,
  type GaugeRates,
} from './admission.js';
import {
  areTermsKept,
  nameOfTerms,
  packUnnumbered,
  sayTerms,
  type ChargeRequest,
} from './charge-request.js';
import {
  bytesOf,
  callScript,
  type Engine,
  EngineOutOfMemoryError,
  EngineReplyError,
  statusOf,
  untilAnswered,
} from './engine.js';
import * as layout from './generated/layout.js';
import { pack, packEach, unpack, type Packable, type Unpacked } from './packing.js';
import type { ScriptReply } from './script-loader.js';
import { packStamp } from './stamp-codec.js';
import { asArray, asNumber, asText } from './unpacked.js';

export interface NetworkReport {
  /** An update; number, phase and use are the script's to fill in. */
  readonly charge: ChargeRequest;
  readonly gauges: readonly Gauge[];
  /** As for an admission. */
  readonly freeTerms: readonly Buffer[];
  readonly rates: GaugeRates;
  /** `ended`: not said by the NAS; nothing is counted. */
  readonly status: 'start' | 'interim' | 'stop' | 'ended';
  readonly eventAt: number;
  readonly uploadOctets: Amount | null;
  readonly downloadOctets: Amount | null;
  readonly width: 32 | 64;
  readonly sessionSeconds: number | null;
  readonly user: string;
  readonly nas: string;
  readonly sessionKey: string;
  readonly station: string | null;
  readonly port: string | null;
  /** The report brought our Class back: the session is surely the one named. */
  readonly handled: boolean;
  readonly interimMaxSeconds: number;
  /** Reports in a row that a session may miss before it is taken for gone. */
  readonly staleFactor: number;
  readonly caps: readonly FairUseCap[];
  /** Kept with a session; told only where the script asks for it. Null for nothing. */
  readonly network: (() => string) | null;
  /** A session nobody heard of is charged from its beginning if that is not longer ago. */
  readonly baselineMs: number;
  /** When what was bought ends; null for never. */
  readonly expiresAt: number | null;
  /** Sessions that its user may have at one time. */
  readonly sessionsMax: number | null;
  /** Steps down when credit is spent, from the first; the last is the end. */
  readonly ladder: readonly Rung[];
}

export interface Rung {
  readonly kind: 'speed' | 'garden' | 'disconnect';
  /** Of both directions together; 0 where it has no speed of its own. */
  readonly octetsPerSecond: number;
}

export type ReportOutcome =
  | {
      readonly kind: 'taken' | 'late' | 'repeated';
      readonly sessionId: string;
      readonly at: number;
      /** A service of it was given nothing more. */
      readonly outOfCredit: boolean;
      readonly level: AccessLevel;
      readonly wanted: AccessLevel;
      /** Sessions that were where this one began. */
      readonly replaced: readonly string[];
      /** The NAS began to count anew. */
      readonly epoch: boolean;
    }
  | {
      readonly kind: 'refused';
      readonly refusal:
        | 'fenced'
        | 'newer-state'
        | 'unknown-account'
        | 'stale-profile'
        | 'unknown-session'
        | 'amount-out-of-range';
    };

const REFUSALS = new Map([
  [layout.REPLY_FENCED, 'fenced'],
  [layout.REPLY_NEWER_STATE, 'newer-state'],
  [layout.REPLY_UNKNOWN_ACCOUNT, 'unknown-account'],
  // Gone elsewhere: its profile says where, or soon will.
  [layout.REPLY_MOVED, 'unknown-account'],
  [layout.REPLY_STALE_PROFILE, 'stale-profile'],
  [layout.REPLY_UNKNOWN_SESSION, 'unknown-session'],
  [layout.REPLY_AMOUNT_RANGE, 'amount-out-of-range'],
] as const);

const KINDS: ReadonlyMap<number, 'taken' | 'late' | 'repeated'> = new Map([
  [layout.OUTCOME_TAKEN, 'taken'],
  [layout.OUTCOME_LATE, 'late'],
  [layout.OUTCOME_REPEATED, 'repeated'],
]);

const RUNGS = {
  speed: layout.RUNG_SPEED,
  garden: layout.RUNG_GARDEN,
  disconnect: layout.RUNG_DISCONNECT,
} as const;

const STATUSES = {
  start: layout.STATUS_START,
  interim: layout.STATUS_INTERIM,
  stop: layout.STATUS_STOP,
  ended: layout.STATUS_ENDED,
} as const;

/** A report that is kept under another id names it, and that one may name another: no more. */
const REDIRECTIONS_MAX = 4;

/**
 * Takes a report, in one atomic step. When memory is out its use is taken and nothing reserved.
 * @throws EngineUnavailableError
 */
export function takeReport(engine: Engine, report: NetworkReport): Promise<ReportOutcome> {
  return run(engine, 'report', report);
}

/** Takes a report's use and reserves nothing; runs when memory is out. */
export function settleReport(engine: Engine, report: NetworkReport): Promise<ReportOutcome> {
  return run(engine, 'report_settled', report);
}

async function run(
  engine: Engine,
  script: 'report' | 'report_settled',
  report: NetworkReport,
): Promise<ReportOutcome> {
  let current = report;
  let pointers = 0;
  for (let turn = 0; turn < REDIRECTIONS_MAX; turn += 1) {
    let reply: ScriptReply;
    try {
      reply = await callReport(engine, script, current, extentOf(script, current));
      // Not a plain one; or Redis has started anew.
      if (statusOf(reply) === layout.REPLY_TERMS_UNKNOWN) {
        reply = await callReport(engine, script, current, 'whole');
      }
    } catch (error) {
      if (script !== 'report' || !(error instanceof EngineOutOfMemoryError)) throw error;
      return settleReport(engine, report);
    }
    const status = statusOf(reply);
    if (status === layout.REPLY_DONE) {
      if (pointers > 1) await pointAt(engine, report, current.charge.sessionId);
      return readOutcome(bytesOf(reply, 1), current);
    }
    if (status === layout.REPLY_OTHER_SESSION) {
      pointers += 1;
      const sessionId = bytesOf(reply, 1).toString('utf8');
      current = { ...current, charge: { ...current.charge, sessionId } };
      continue;
    }
    if (status === layout.REPLY_OWNER_NEEDED) {
      // It left its group while it held units of the owner, who gets them back.
      const ownerAccountId = bytesOf(reply, 1).toString('utf8');
      const sharing = { ownerAccountId, order: 'own-first', scope: null, resources: [] } as const;
      current = { ...current, charge: { ...current.charge, sharing } };
      continue;
    }
    const refusal = REFUSALS.get(status as never);
    if (refusal === undefined) throw new EngineReplyError(`report replied status ${status}`);
    return { kind: 'refused', refusal };
  }
  throw new EngineReplyError('a report was sent from one session to another without end');
}

/**
 * Lets an id lead straight to its last session: each time that a NAS uses it again would lead one pointer
 * farther else. What was reported is kept whether or not there is memory for that.
 */
async function pointAt(engine: Engine, report: NetworkReport, sessionId: string): Promise<void> {
  const { partition, sessionId: id } = report.charge;
  const key = engine.keys.session(partition, id);
  try {
    await untilAnswered(engine, () => engine.redis.hset(key, 'p', sessionId));
  } catch (error) {
    if (!(error instanceof EngineOutOfMemoryError)) throw error;
  }
}

/** Services and caps that a brief report has room for. */
const BRIEF_SERVICES_MAX = 2;
const BRIEF_CAPS_MAX = 10;

/**
 * How much of a report is sent: of a brief one what the short way reads; of a named one all, but terms by
 * their names, and not where its session is. The script asks for the whole where that will not do.
 */
type Extent = 'brief' | 'named' | 'whole';

function extentOf(script: 'report' | 'report_settled', report: NetworkReport): Extent {
  const { handled, caps, charge } = report;
  if (script !== 'report' || !areTermsKept(charge)) return 'whole';
  const isSimple = caps.length <= BRIEF_CAPS_MAX && !charge.sharing;
  if (isSimple && charge.services.length <= BRIEF_SERVICES_MAX && isBrief(report)) return 'brief';
  return handled && report.status === 'interim' ? 'named' : 'whole';
}

/** Whether a report is of those that may be plain. */
function isBrief(report: NetworkReport): boolean {
  const { uploadOctets, downloadOctets, sessionSeconds } = report;
  switch (report.status) {
    case 'start':
      return report.handled && !uploadOctets && !downloadOctets && !sessionSeconds;
    case 'interim':
    case 'stop':
      return uploadOctets !== null && downloadOctets !== null && sessionSeconds !== null;
    case 'ended':
      return false;
  }
}

function callReport(
  engine: Engine,
  script: 'report' | 'report_settled',
  report: NetworkReport,
  said: Extent,
): Promise<ScriptReply> {
  const { keys } = engine;
  const { partition, accountId, sessionId, sharing } = report.charge;
  const names = [
    keys.account(partition, accountId),
    keys.session(partition, sessionId),
    keys.control(partition),
    keys.outbox(partition),
    keys.timers(partition),
    keys.access(partition, accountId),
    keys.nasSessions(partition, report.nas),
  ];
  if (said === 'brief') {
    // Nothing is written of a start that a stamp would go with.
    const stamp = report.status === 'start' ? '' : packStamp(report.charge.stamp);
    return callScript(engine, script, names, [packBrief(report), stamp]);
  }
  names.push(keys.steer(partition), keys.tasks(partition));
  if (sharing) names.push(keys.account(partition, sharing.ownerAccountId));
  return callScript(engine, script, names, [
    ...packUnnumbered(report.charge, said),
    packReport(report, said),
  ]);
}

function packBrief(report: NetworkReport): Buffer {
  const { charge, gauges, nas, sessionKey, station, port, user } = report;
  const { services } = charge;
  const values: Packable[] = [
    charge.now ?? 0,
    charge.profileVersion,
    charge.policy.graceMs,
    STATUSES[report.status],
    report.eventAt,
    report.uploadOctets ?? 0,
    report.downloadOctets ?? 0,
    report.width,
    report.sessionSeconds ?? 0,
    report.staleFactor,
    report.expiresAt ?? 0,
    toldBy(report),
    packEach([nas, sessionKey, station ?? false, port ?? false, user]),
    services.length,
  ];
  for (const [index, service] of services.entries()) {
    const gauge = gauges[index] ?? 'total';
    values.push(
      service.key,
      gaugeCode(gauge),
      rateOf(report.rates, gauge),
      service.want ?? layout.WANT_NOTHING,
      service.reason === null ? NO_REASON : packEach([service.reason]),
      nameOfTerms(service),
    );
  }
  for (const cap of report.caps) values.push(...packCap(cap).slice(0, layout.FAIR_OCTETS));
  return pack(values);
}

const NO_REASON = packEach([false]);

/** What only the first and the last report of a session say. */
function toldBy({ status, network, charge }: NetworkReport): Packable {
  if (status === 'start') return network?.() ?? false;
  return status === 'stop' && packEach([charge.cause ?? false]);
}

function packReport(report: NetworkReport, said: 'named' | 'whole'): Buffer {
  return pack([
    STATUSES[report.status],
    report.eventAt,
    report.uploadOctets ?? false,
    report.downloadOctets ?? false,
    report.width,
    report.sessionSeconds ?? false,
    report.staleFactor,
    report.nas,
    report.sessionKey,
    report.station ?? false,
    report.port ?? false,
    report.user,
    report.expiresAt ?? 0,
    packRates(report.rates),
    report.gauges.map(gaugeCode),
    report.caps.map(packCap),
    report.handled,
    report.interimMaxSeconds,
    sayTerms(report.freeTerms, said),
    said === 'named' ? report.network !== null : (report.network?.() ?? false),
    report.baselineMs,
    report.ladder.map(({ kind, octetsPerSecond }) => [RUNGS[kind], octetsPerSecond]),
    report.sessionsMax ?? 0,
  ]);
}

function readOutcome(packed: Buffer, report: NetworkReport): ReportOutcome {
  const fields = asArray(unpack(packed));
  // By Lua's count, from 1.
  const at = (place: number): Unpacked | undefined => fields[place - 1];
  const kind = KINDS.get(asNumber(at(layout.REPORTED_OUTCOME)));
  if (kind === undefined) throw new EngineReplyError('report answered an unknown outcome');
  return {
    kind,
    sessionId: report.charge.sessionId,
    at: asNumber(at(layout.REPORTED_AT)),
    outOfCredit: at(layout.REPORTED_SPENT) === true,
    level: levelOf(asNumber(at(layout.REPORTED_LEVEL))),
    wanted: levelOf(asNumber(at(layout.REPORTED_WANTED))),
    replaced: asArray(at(layout.REPORTED_REPLACED)).map(asText),
    epoch: at(layout.REPORTED_EPOCH) === true,
  };
}

/** What is known of a session since its NAS was steered; what is absent stays as it is. */
export interface SteeredState {
  /** Taken by its NAS, or wanted only. */
  readonly level?: { readonly at: AccessLevel; readonly taken: boolean };
  /** What its NAS was told, as {@link TrackedSession} has it. */
  readonly told?: {
    readonly limits: readonly (Amount | null)[];
    readonly endsAt: number | null;
  };
  /** When what it may use ends: it is looked at then. */
  readonly endsAt?: number | null;
}

/**
 * Says at which level a session is by word of its NAS, or which one it is to be at, and what its NAS
 * was told. @throws EngineUnavailableError
 */
export async function noteSteered(
  engine: Engine,
  { partition, sessionId }: { readonly partition: number; readonly sessionId: string },
  { level, told, endsAt }: SteeredState,
): Promise<void> {
  const { keys } = engine;
  await callScript(
    engine,
    'level',
    [keys.session(partition, sessionId), keys.control(partition), keys.timers(partition)],
    [
      '0',
      sessionId,
      level === undefined ? '-1' : String(levelCode(level.at)),
      level?.taken === true ? '1' : '0',
      told === undefined
        ? ''
        : pack([told.limits.map((limit) => limit ?? false), told.endsAt ?? 0]),
      endsAt === undefined ? '' : String(endsAt ?? 0),
    ],
  );
}
