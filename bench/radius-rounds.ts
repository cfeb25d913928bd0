/** Rounds of RADIUS load on one server: reports of open sessions, and logins, on the clock and the meter. */
import { PACKET_CODES } from '../src/radius/packet-code.js';
import { SharedSecret } from '../src/radius/shared-secret.js';
import { median } from './median.js';
import { runLoad, SLOTS_MAX, type LoadResult } from './radius-load.js';
import { classesOf, loginRequest, REPORT, reportRequest } from './radius-requests.js';
import type { TolldRadius } from './tolld-radius.js';

export interface RoundOptions {
  /** Reports of a round, over all slots. */
  readonly requests: number;
  /** Logins of a round. */
  readonly logins: number;
  /** Requests that are under way at a time. */
  readonly slots: number;
  readonly users: number;
  readonly secret: string;
}

/** Microseconds of CPU by process or thread. */
type CpuUs = Readonly<Record<string, number>>;

/** What a server did in all rounds. */
export interface Side {
  readonly server: Pick<TolldRadius, 'authenticationPort' | 'accountingPort'>;
  /** CPU that everything behind its answers has used so far. */
  readonly cpuUs: () => Promise<CpuUs>;
  readonly reports: Measured[];
  readonly logins: Measured[];
  /** Sessions that were reported, with how many reports each had. */
  readonly sessions: Map<number, number>;
  nextSession: number;
}

/** A round with the CPU that each of its requests cost. */
type Measured = LoadResult & { readonly slots: number; readonly cpuUs: CpuUs };

export function sideOf(server: Side['server'], cpuUs: Side['cpuUs']): Side {
  return { server, cpuUs, reports: [], logins: [], sessions: new Map(), nextSession: 0 };
}

/** Runs a round on the clock and on the meter. */
async function measured(side: Side, options: Parameters<typeof runLoad>[0]): Promise<Measured> {
  const before = await side.cpuUs();
  const result = await runLoad(options);
  const after = await side.cpuUs();
  const count = options.slots.reduce((sum, requests) => sum + requests.length, 0);
  const cpuUs = Object.entries(after).map(([name, us]) => [
    name,
    (us - (before[name] ?? 0)) / count,
  ]);
  return { ...result, slots: options.slots.length, cpuUs: Object.fromEntries(cpuUs) as CpuUs };
}

function slotsOf({ slots }: RoundOptions): readonly number[] {
  return Array.from({ length: slots }, (_, slot) => slot);
}

/** A round of logins: each is another session of another user. */
export async function measureLogins(side: Side, options: RoundOptions): Promise<void> {
  const { slots: count, users } = options;
  const logins = Math.ceil(options.logins / count);
  const secret = new SharedSecret(options.secret);
  const slots = slotsOf(options).map((slot) =>
    Array.from({ length: logins }, (_, index) => {
      const session = side.nextSession + index * count + slot;
      return loginRequest({ secret, slot, user: session % users, session });
    }),
  );
  side.nextSession += logins * count;
  side.logins.push(
    await measured(side, {
      port: side.server.authenticationPort,
      slots,
      expectedCode: PACKET_CODES['Access-Accept'],
    }),
  );
}

/** A round of reports: each slot has a session that logged in and started before the clock runs. */
export async function measureReports(side: Side, options: RoundOptions): Promise<void> {
  const requests = Math.ceil(options.requests / options.slots);
  const secret = new SharedSecret(options.secret);
  const sessions = await openSessions(side, options);
  const slots = sessions.map((session, slot) =>
    Array.from({ length: requests }, () => interimRequest(session, { secret, slot })),
  );
  side.reports.push(
    await measured(side, {
      port: side.server.accountingPort,
      slots,
      expectedCode: PACKET_CODES['Accounting-Response'],
    }),
  );
  noteReported(side, sessions);
}

/** A session that has logged in and started. */
export interface OpenSession {
  readonly user: number;
  readonly session: number;
  readonly classes: readonly Buffer[];
  /** Reports so far, beside the start. */
  reports: number;
}

/** Opens as many sessions as `slots` says. */
export async function openSessions(
  side: Side,
  { slots: count, users, secret: text }: Pick<RoundOptions, 'slots' | 'users' | 'secret'>,
): Promise<readonly OpenSession[]> {
  const secret = new SharedSecret(text);
  const first = side.nextSession;
  side.nextSession += count;
  const opened: OpenSession[] = [];
  for (let from = 0; from < count; from += SLOTS_MAX) {
    const parts = Array.from({ length: Math.min(SLOTS_MAX, count - from) }, (_, slot) => {
      const session = first + from + slot;
      return { secret, slot, user: session % users, session };
    });
    const { replies } = await runLoad({
      port: side.server.authenticationPort,
      slots: parts.map((part) => [loginRequest(part)]),
      expectedCode: PACKET_CODES['Access-Accept'],
    });
    const sessions = parts.map(({ user, session }, slot): OpenSession => {
      return { user, session, classes: classesOf(replies[slot] ?? Buffer.alloc(0)), reports: 0 };
    });
    await runLoad({
      port: side.server.accountingPort,
      slots: sessions.map((session, slot) => [
        reportRequest({ ...session, secret, slot, status: 'Start', number: 0 }),
      ]),
      expectedCode: PACKET_CODES['Accounting-Response'],
    });
    opened.push(...sessions);
  }
  return opened;
}

/** The next report of a session. */
export function interimRequest(
  session: OpenSession,
  { secret, slot }: { readonly secret: SharedSecret; readonly slot: number },
): Buffer {
  session.reports += 1;
  const number = session.reports;
  return reportRequest({ ...session, secret, slot, status: 'Interim-Update', number });
}

/** Notes what both books must hold of these sessions. */
export function noteReported({ sessions: noted }: Side, sessions: readonly OpenSession[]): void {
  for (const { session, reports } of sessions) noted.set(session, reports);
}

/** Octets that the sessions reported. */
export function octetsOf({ sessions }: Side): bigint {
  const each = BigInt(REPORT.uploadOctets + REPORT.downloadOctets);
  return [...sessions.values()].reduce((sum, reports) => sum + each * BigInt(reports), 0n);
}

export interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of one request: over all that have to do with it, and by process or thread. */
  readonly cpuUs: { readonly all: number } & CpuUs;
}

export interface Comparison {
  readonly value: Figures;
  readonly reference: Figures;
  readonly ratio: number;
  /** Above 1: ours is that many times shorter. */
  readonly p99Ratio: number;
  /** The one to trust where other work shares the machine: it is spread over many threads there. */
  readonly cpuRatio: number;
}

/** Medians of the rounds with so many requests under way; the first warms up. */
export function figuresOf(all: readonly Measured[], slots: number): Figures {
  const results = all.filter((one) => one.slots === slots);
  const counted = results.length > 1 ? results.slice(1) : results;
  const middle = (of: (one: Measured) => number): number =>
    Number(median(counted.map(of)).toFixed(2));
  const parts = Object.keys(counted[0]?.cpuUs ?? {}).map((name): [string, number] => [
    name,
    middle(({ cpuUs }) => cpuUs[name] ?? 0),
  ]);
  return {
    perSecond: middle(({ perSecond }) => perSecond),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    cpuUs: { all: middle(({ cpuUs }) => sumOf(cpuUs)), ...Object.fromEntries(parts) },
  };
}

function sumOf(cpuUs: CpuUs): number {
  return Object.values(cpuUs).reduce((sum, us) => sum + us, 0);
}

export function compared(
  ours: readonly Measured[],
  theirs: readonly Measured[],
  slots: number,
): Comparison {
  const [value, reference] = [figuresOf(ours, slots), figuresOf(theirs, slots)];
  return {
    value,
    reference,
    ratio: over(value.perSecond, reference.perSecond),
    p99Ratio: over(reference.p99Ms, value.p99Ms),
    cpuRatio: over(reference.cpuUs.all, value.cpuUs.all),
  };
}

/** What each server does at the most, by the number of requests under way that suits it best. */
export function comparedAtBest(comparisons: readonly Comparison[]) {
  const most = (of: (one: Comparison) => Figures): number =>
    Math.max(...comparisons.map((one) => of(one).perSecond));
  const [value, reference] = [most((one) => one.value), most((one) => one.reference)];
  return { value, reference, ratio: over(value, reference) };
}

function over(value: number, reference: number): number {
  return Number((value / reference).toFixed(2));
}

/** The last round in a line. */
export function roundLine(name: string, ours: Side, theirs: Side | null): string {
  const shown = (one: Measured | undefined): string => {
    if (one === undefined) return 'none';
    const parts = Object.entries(one.cpuUs).map(([name, us]) => `${name} ${us.toFixed(0)}`);
    return `${one.perSecond.toFixed(0)}/s, p99 ${one.p99Ms.toFixed(1)} ms, ${parts.join(' + ')} µs`;
  };
  const beside = (kind: 'reports' | 'logins'): string => {
    const against = theirs === null ? '' : ` against ${shown(theirs[kind].at(-1))}`;
    return `${kind} ${shown(ours[kind].at(-1))}${against}`;
  };
  return `${name}: ${beside('reports')}; ${beside('logins')}`;
}
