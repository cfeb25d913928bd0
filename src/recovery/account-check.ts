/** Compares what is known of one account; each difference is a finding. */
import type { DecodedBucket } from '../charging/event-codec.js';
import * as layout from '../charging/generated/layout.js';
import type { Unpacked } from '../charging/packing.js';
import type { SessionSnapshot } from '../charging/session-snapshot.js';
import type { AccountWithSessions } from '../charging/snapshot.js';
import type { RecordedBucket } from '../records/recorded-state.js';
import type { SessionTotals } from '../records/session-proof.js';
import { factsAtLive, recordedSequence, type AccountEvidence } from './account-evidence.js';
import { finding, type Finding } from './finding.js';
import { serviceCarry } from './restored-account.js';

/** Everything about an account but its reservations, which need another look where they differ. */
export function checkAccount(evidence: AccountEvidence): readonly Finding[] {
  return [
    ...checkRun(evidence),
    ...checkSums(evidence),
    ...checkPresence(evidence),
    ...checkBalances(evidence),
    ...checkSettled(evidence),
    ...checkSessions(evidence),
  ];
}

export function checkRun({
  accountId,
  partition,
  record,
  run,
}: AccountEvidence): readonly Finding[] {
  if (record === null || run === null) return [];
  const { events, distinct, archived, quarantined, last } = run;
  const place = { accountId, partition };
  const facts = { events, archived, quarantined, lastSequence: record.lastSequence };
  if (distinct < events) {
    const message = `${events - distinct} events stand twice among ${events}`;
    return [finding('run-double', place, message, facts)];
  }
  const all = events + archived + quarantined;
  if (all < record.lastSequence) {
    const message = `${record.lastSequence - all} of its ${record.lastSequence} events are missing`;
    return [finding('run-gap', place, message, facts)];
  }
  if (all > record.lastSequence || last > record.lastSequence) {
    const message = `the record stands at event ${record.lastSequence}, its facts say ${Math.max(all, last)}`;
    return [finding('run-length', place, message, facts)];
  }
  return [];
}

/** Within Postgres: credited - debited - expired = remaining, and each change begins where one ended. */
function checkSums({
  accountId,
  partition,
  record,
  run,
  sums,
  definitions,
}: AccountEvidence): readonly Finding[] {
  if (record === null) return [];
  const findings: Finding[] = [];
  const counted = new Map(sums.map((sum) => [sum.bucketId, sum]));
  for (const [bucketId, remaining] of Object.entries(record.balances)) {
    if (counted.has(bucketId) || remaining === 0) continue;
    findings.push(
      finding(
        'bucket-sum',
        { accountId, partition, bucketId },
        `the record says ${remaining}, and no fact speaks of it`,
        { recorded: remaining, summed: 0 },
      ),
    );
  }
  const defined = new Map(definitions.map(({ bucketId, resource }) => [bucketId, resource]));
  for (const sum of sums) {
    const { bucketId, credited, debited, expired, elsewhere, breaks, firstBreak } = sum;
    const place = { accountId, partition, bucketId };
    const resource = defined.get(bucketId) ?? sum.resource;
    const others = sum.resources.filter((each) => each !== resource);
    if (others.length > 0) {
      const message = `it is a bucket of ${resource ?? 'nothing'}, facts of it speak of ${others.join(', ')}`;
      findings.push(finding('bucket-resource', place, message));
    }
    const recorded = BigInt(record.balances[bucketId] ?? 0);
    const summed = credited - debited - expired + elsewhere;
    if (summed !== recorded) {
      findings.push(
        finding(
          'bucket-sum',
          place,
          `credited ${credited} - debited ${debited} - expired ${expired}` +
            `${elsewhere === 0n ? '' : ` + archived or in quarantine ${elsewhere}`} = ${summed}, ` +
            `the record says ${recorded}`,
          { credited, debited, expired, elsewhere, summed, recorded },
        ),
      );
    }
    if (breaks > 0 && run?.quarantined === 0) {
      findings.push(
        finding(
          'bucket-chain',
          place,
          `${breaks} changes don't begin where the one before ended, the first is event ${firstBreak}`,
          { breaks, firstBreak },
        ),
      );
    }
  }
  return findings;
}

/** Whether Redis and the record have the same events of the account, with those under way. */
function checkPresence(evidence: AccountEvidence): readonly Finding[] {
  const { accountId, partition, live, record, tail } = evidence;
  const place = { accountId, partition };
  const recorded = recordedSequence(evidence);
  if (evidence.isUnreadable) {
    const message = `what Redis holds of it can't be read, Postgres has ${recorded} events of it`;
    return [finding('account-unreadable', place, message, { recorded })];
  }
  if (live === null) {
    // What an account that has moved left here is no account.
    if (record === null || record.partition !== partition) return [];
    const message = `Redis does not have it, Postgres has ${recorded} events of it`;
    return [finding('account-missing', place, message, { recorded })];
  }
  const { sequence } = live.account;
  const facts = { sequence, recorded };
  if (evidence.isBehind) {
    const message = `Redis stands at event ${sequence}, Postgres at ${recorded}`;
    return [finding('account-behind', place, message, facts)];
  }
  if (record !== null && record.partition !== partition && sequence <= recorded) {
    const message = `it stands here at event ${sequence}, and Postgres has it in partition ${record.partition}`;
    return [finding('account-double', place, message, facts)];
  }
  const missing = sequence - recorded - tail.length;
  if (missing > 0 && sequence > recorded) {
    if (record === null && tail.length === 0) {
      const message = `Redis has ${sequence} events of it, Postgres none`;
      return [finding('account-unrecorded', place, message, facts)];
    }
    const message = `${missing} of its events up to ${sequence} are neither in Postgres nor in the outbox`;
    return [finding('events-lost', place, message, { ...facts, missing })];
  }
  return [];
}

/** What each bucket in Redis holds against all facts up to the same event. */
export function checkBalances(evidence: AccountEvidence): readonly Finding[] {
  const { accountId, partition, live } = evidence;
  if (live === null) return [];
  const facts = factsAtLive(evidence);
  const held = new Map(live.account.buckets.map((bucket) => [bucket.bucketId, bucket]));
  const findings: Finding[] = [];
  for (const [bucketId, { remaining, resource }] of held) {
    const expected = facts.get(bucketId);
    if (expected === BigInt(remaining)) continue;
    const place = { accountId, partition, bucketId };
    const { sequence } = live.account;
    if (expected === undefined) {
      if (remaining === 0) continue;
      const message = `Redis holds ${remaining} ${resource}, and no fact speaks of it`;
      findings.push(
        finding('bucket-unknown', place, message, { remaining, expected: 0, sequence }),
      );
      continue;
    }
    const message = `Redis holds ${remaining} ${resource}, the facts up to event ${sequence} say ${expected}`;
    const difference = BigInt(remaining) - expected;
    findings.push(
      finding('bucket-live', place, message, { remaining, expected, difference, sequence }),
    );
  }
  for (const [bucketId, expected] of facts) {
    if (held.has(bucketId) || expected === 0n) continue;
    const place = { accountId, partition, bucketId };
    const message = `the facts say ${expected}, Redis does not have it`;
    findings.push(finding('bucket-missing', place, message, { remaining: 0, expected }));
  }
  return findings;
}

/** What can be compared only where Redis and the record stand at the same event. */
function checkSettled(evidence: AccountEvidence): readonly Finding[] {
  const { accountId, partition, live, record, run } = evidence;
  if (live === null || record === null || run === null) return [];
  if (live.account.sequence !== record.lastSequence || run.quarantined > 0) return [];
  const { standing, profileVersion, lastIntent } = live.account;
  const findings: Finding[] = [];
  const compare = (
    what: string,
    inRedis: string | number,
    recorded: string | number | null,
  ): void => {
    if (recorded === null || inRedis === recorded) return;
    const message = `${what} is ${inRedis} in Redis and ${recorded} in Postgres`;
    findings.push(finding('header', { accountId, partition }, message, { inRedis, recorded }));
  };
  compare('standing', standing, record.standing);
  compare('profile version', profileVersion, record.profileVersion);
  compare('last intent', lastIntent, record.lastIntent);
  return [...findings, ...checkDefinitions(evidence)];
}

function checkDefinitions({
  accountId,
  partition,
  live,
  definitions,
}: AccountEvidence): readonly Finding[] {
  const defined = new Map(definitions.map((bucket) => [bucket.bucketId, bucket]));
  return (live?.account.buckets ?? []).flatMap((bucket) => {
    const recorded = defined.get(bucket.bucketId);
    const different = recorded === undefined ? ['everything'] : differences(bucket, recorded);
    if (different.length === 0) return [];
    const message = `its terms differ in ${different.join(', ')}`;
    const place = { accountId, partition, bucketId: bucket.bucketId };
    return [finding('bucket-definition', place, message)];
  });
}

function differences(bucket: DecodedBucket, recorded: RecordedBucket): readonly string[] {
  const time = (at: Date | null): number | null => at?.getTime() ?? null;
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['resource', bucket.resource, recorded.resource],
    ['kind', bucket.kind, recorded.kind],
    ['priority', bucket.priority, recorded.priority],
    ['state', bucket.state, recorded.state],
    ['start', bucket.startsAt, time(recorded.startsAt)],
    ['end', bucket.endsAt, time(recorded.endsAt)],
    ['duration', bucket.durationMs, recorded.durationMs],
    ['creation', bucket.createdAt, time(recorded.createdAt)],
    ['floor', bucket.floor, recorded.floor],
    ['granted', bucket.granted, recorded.granted],
    ['step', bucket.step, recorded.step],
    ['blocker', bucket.blocker, recorded.blocker],
    ['bundle', bucket.bundleId, recorded.bundleId],
    ['scope', scopeText(bucket.detail), scopeText(recorded.detail)],
    ['suspended', bucket.detail['suspended'] === true, recorded.detail?.['suspended'] === true],
    ['after', bucket.after, recorded.detail?.['after'] ?? null],
  ];
  return pairs.flatMap(([name, inRedis, inRecord]) =>
    inRedis === inRecord ? [] : [`${name} (${String(inRedis)}, recorded ${String(inRecord)})`],
  );
}

/** Postgres keeps the fields of an object in an order of its own. */
function scopeText(detail: Readonly<Record<string, unknown>> | null): string {
  const scope = (detail?.['scope'] ?? null) as Readonly<Record<string, unknown>> | null;
  if (scope === null) return '';
  return JSON.stringify(
    ['contexts', 'ratingGroups', 'zones', 'bands'].map((name) => scope[name] ?? null),
  );
}

/** Totals of live sessions, and which sessions are open, against the record. */
function checkSessions(evidence: AccountEvidence): readonly Finding[] {
  const { accountId, partition, live, totals, tail, openSessionIds } = evidence;
  const findings = evidence.unreadableSessionIds.map((sessionId) =>
    finding(
      'session-unreadable',
      { accountId, partition, sessionId },
      "what it holds can't be read",
    ),
  );
  if (live === null) return findings;
  const own = live.sessions.filter((session) => session.accountId === accountId);
  const known = new Map(
    totals.map((total) => [`${total.sessionId}\n${total.service}`, total] as const),
  );
  const underWay = new Set<string>();
  for (const { event, at } of tail) {
    if (event.type === 'session') underWay.add(event.sessionId);
    if (event.type !== 'usage') continue;
    const { sessionId, service, serviceAfter, requestNumber } = event;
    const [used, cost] = [BigInt(serviceAfter.used), BigInt(serviceAfter.cost)];
    const { carry } = serviceAfter;
    known.set(`${sessionId}\n${service}`, {
      ...{ sessionId, service, used, cost, at, requestNumber, carry },
    });
  }
  for (const session of own) {
    findings.push(...checkServices(evidence, session));
    for (const { key, used, cost } of session.services) {
      const last = known.get(`${session.sessionId}\n${key}`);
      // A session of that name that was forgotten is not this one.
      const current = last !== undefined && last.at >= session.openedAt ? last : undefined;
      if (current !== undefined && session.state === 'open') {
        findings.push(...checkCarry(evidence, session, current));
      }
      const [wasUsed, wasCost] = [current?.used ?? 0n, current?.cost ?? 0n];
      if (wasUsed === BigInt(used) && wasCost === BigInt(cost)) continue;
      findings.push(
        finding(
          'session-live',
          { accountId, partition, sessionId: session.sessionId },
          `service ${key} has used ${used} for ${cost}, its events say ${wasUsed} for ${wasCost}`,
          { used, cost, recordedUsed: wasUsed, recordedCost: wasCost },
        ),
      );
    }
  }
  // Behind Redis the record may have closed or opened what Redis had not then.
  if (recordedSequence(evidence) > live.account.sequence) return findings;
  const open = new Set(own.filter(({ state }) => state === 'open').map(({ sessionId: id }) => id));
  const recorded = new Set(openSessionIds);
  for (const sessionId of recorded) {
    if (open.has(sessionId) || underWay.has(sessionId)) continue;
    const message = 'open in the record, and not in Redis';
    findings.push(finding('session-missing', { accountId, partition, sessionId }, message));
  }
  for (const sessionId of open) {
    if (recorded.has(sessionId) || underWay.has(sessionId)) continue;
    const message = 'open in Redis, and not in the record';
    findings.push(finding('session-unrecorded', { accountId, partition, sessionId }, message));
  }
  return findings;
}

/** What the next report of a service is rounded, numbered and counted from. */
function checkCarry(
  { accountId, partition, live }: AccountEvidence,
  { sessionId, lastRequestNumber }: SessionSnapshot,
  { service, carry, requestNumber }: SessionTotals,
): readonly Finding[] {
  const basis = live?.bases.find((each) => each.sessionId === sessionId);
  const inRedis = JSON.stringify(basis?.carries.get(service));
  const odd = [
    ...(inRedis === JSON.stringify(serviceCarry(carry))
      ? []
      : [`the totals of service ${service}`]),
    ...(lastRequestNumber < requestNumber ? ['the number of its last request'] : []),
    ...(fellBack(basis?.track ?? null, carry) ? ['what its NAS had counted'] : []),
  ];
  if (odd.length === 0) return [];
  const message = `${odd.join(' and ')} are not as the event of request ${requestNumber} left them`;
  return [finding('session-carry', { accountId, partition, sessionId }, message)];
}

/** Place in a carry of what the NAS had said (usage_event in lua/include/charge_session.lua). */
const CARRIED_TRACK = 5;

/** Whether a NAS is thought to have counted less than was charged of it: the rest would be charged again. */
function fellBack(track: readonly Unpacked[] | null, carry: unknown): boolean {
  const charged: unknown = Array.isArray(carry) ? carry[CARRIED_TRACK] : null;
  if (track === null || !Array.isArray(charged)) return false;
  return [layout.TRACK_UPLOAD_SUM, layout.TRACK_DOWNLOAD_SUM].some(
    (place) => Number(track[place - 1]) < Number(charged[place - 1]),
  );
}

/** The services that a session would end with itself, and those that it has. */
function checkServices(
  { accountId, partition, live }: AccountEvidence,
  { sessionId, services }: SessionSnapshot,
): readonly Finding[] {
  const listed = live?.bases.find((basis) => basis.sessionId === sessionId)?.serviceKeys ?? [];
  const held = services.map(({ key }) => key);
  const odd = [
    ...held.filter((key) => !listed.includes(key)),
    ...listed.filter((key) => !held.includes(key)),
  ];
  if (odd.length === 0) return [];
  const message = `it knows of ${listed.length} services and has ${held.length}: ${odd.join(', ')}`;
  return [finding('session-services', { accountId, partition, sessionId }, message)];
}

/**
 * What the sessions of an account hold of its buckets against what these say is reserved: both are
 * of one moment.
 */
export function checkReservations(
  { account, sessions }: AccountWithSessions,
  partition: number,
): readonly Finding[] {
  const { accountId } = account;
  const held = new Map(account.buckets.map(({ bucketId }) => [bucketId, 0]));
  const findings: Finding[] = [];
  for (const session of sessions) {
    const legs = session.services.flatMap((service) => service.legs);
    for (const { bucketId, ofOwner, reserved } of legs) {
      if ((ofOwner ? session.ownerAccountId : session.accountId) === accountId) {
        const before = held.get(bucketId);
        if (before !== undefined) held.set(bucketId, before + reserved);
        else if (session.accountId === accountId) {
          const message = `the session holds ${reserved} of a bucket that is gone`;
          const place = { accountId, partition, bucketId, sessionId: session.sessionId };
          findings.push(finding('leg-without-bucket', place, message, { reserved }));
        }
      }
    }
  }
  for (const { bucketId, reserved, resource } of account.buckets) {
    const sum = held.get(bucketId) ?? 0;
    if (sum === reserved) continue;
    findings.push(
      finding(
        'reservation',
        { accountId, partition, bucketId },
        `${reserved} ${resource} are reserved, its sessions hold ${sum}`,
        { reserved, held: sum },
      ),
    );
  }
  return findings;
}
