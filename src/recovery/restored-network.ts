/**
 * Sessions of the network over a rebuild: what their NAS said last, where they are, and the addresses
 * that they have. The record has it from the events that charged them.
 */
import { holdPool, leaseAddress, poolOfAddress } from '../charging/address-pools.js';
import type { Engine } from '../charging/engine.js';
import * as layout from '../charging/generated/layout.js';
import type { Packable } from '../charging/packing.js';
import type {
  LiveNetworkSession,
  RestoredAccount,
  ResumedNetwork,
  ResumedSession,
} from '../charging/restoring.js';
import { CONNECTION_KINDS } from '../domain/access.js';
import { INTERIM_DEFAULTS } from '../domain/access-plan.js';
import type { RecordedPools, RecordedSession } from '../records/restorable.js';

/** A NAS spreads its reports, and one may have to be sent again. */
const LATE_FACTOR = 1.5;

/** Null where what the session had used is not known as its NAS counts it. */
export function resumedNetwork(session: RecordedSession): ResumedNetwork | null {
  const { track: recorded, services, network, peer } = session;
  if (recorded === null && services.length > 0) return null;
  const track = [...((recorded ?? newTrack(session)) as readonly Packable[])];
  // The next report of one that goes on says where it is; an end stays an end.
  if (session.state === 'open') track[layout.TRACK_STATE - 1] = layout.TRACK_PROVISIONAL;
  if (session.state === 'closed') track[layout.TRACK_STATE - 1] = layout.TRACK_ENDED;
  const connection = CONNECTION_KINDS.find((kind) => kind === network?.['connection']);
  return {
    track,
    session: {
      pointer: {
        nas: peer ?? '',
        sessionKey: network?.['sessionKey'] ?? '',
        userName: session.userName,
        address: session.address,
        station: session.mac,
        connection: connection ?? null,
      },
      networkScope: network?.['networkScope'] ?? '',
      tenant: session.tenant,
      customer: session.customer,
      subscription: session.subscription,
      tariff: network?.['tariff'] ?? '',
      chargingPlan: network?.['chargingPlan'] ?? null,
      plan: network?.['accessPlan'] ?? '',
      bootMark: null,
    },
  };
}

/** Of a session that has used nothing yet. */
function newTrack({ openedAt, lastNumber }: RecordedSession): readonly Packable[] {
  const track: Packable[] = [];
  const put = (place: number, value: Packable): void => void (track[place - 1] = value);
  for (let place = 1; place <= layout.TRACK_ENDS_AT; place += 1) put(place, 0);
  put(layout.TRACK_VERSION, layout.SCHEMA_VERSION);
  put(layout.TRACK_STATE, layout.TRACK_PROVISIONAL);
  put(layout.TRACK_NUMBER, lastNumber);
  put(layout.TRACK_OPENED, openedAt);
  put(layout.TRACK_EVENT_AT, openedAt);
  put(layout.TRACK_INTERIM_S, INTERIM_DEFAULTS.maxSeconds);
  put(layout.TRACK_LEVEL_AT, openedAt);
  put(layout.TRACK_LIMITS, []);
  return track;
}

/** The sessions that count as live until they have missed as many reports as one may. */
export function liveSessions(
  accountId: string,
  sessions: readonly ResumedSession[],
  { now, missedReportsMax }: { readonly now: number; readonly missedReportsMax: number },
): readonly LiveNetworkSession[] {
  return sessions.flatMap(({ sessionId, state, openedAt, network, stamp }) => {
    if (state !== 'open' || network === null) return [];
    const { nas, sessionKey, station } = network.session.pointer;
    const silenceMs = Number(network.track[layout.TRACK_INTERIM_S - 1]) * 1000 * missedReportsMax;
    return [
      {
        sessionId,
        until: now + silenceMs,
        ofNasUntil: now + 4 * silenceMs,
        since: openedAt,
        nas,
        sessionKey: sessionKey === '' ? null : sessionKey,
        station,
        user: stamp.subscription ?? accountId,
      },
    ];
  });
}

/**
 * Holds every pool until each session that lives has surely reported: the record may not know the
 * address of one that had begun just before.
 */
export async function holdPools(
  engine: Engine,
  { pools, interimSecondsMax }: RecordedPools,
  now: number,
): Promise<void> {
  const untilMs = now + longestSilenceMs(interimSecondsMax);
  for (const { code } of pools) await holdPool(engine, code, untilMs);
}

/** Leases the addresses of an account's sessions to them again, for as many reports as one may miss. */
export async function leaseAgain(
  engine: Engine,
  { accountId, sessions }: RestoredAccount,
  { pools, interimSecondsMax }: RecordedPools,
  missedReportsMax: number,
): Promise<void> {
  for (const { sessionId, state, network } of sessions) {
    const { address = null, station = null } = network?.session.pointer ?? {};
    if (state !== 'open' || address === null) continue;
    const pool = poolOfAddress(pools, address);
    if (pool === undefined) continue;
    await leaseAddress(engine, {
      ...{ pool, sessionId, address },
      owner: `${accountId} ${station ?? ''}`,
      leaseMs: missedReportsMax * longestSilenceMs(interimSecondsMax),
    });
  }
}

function longestSilenceMs(interimSecondsMax: number | null): number {
  return (interimSecondsMax ?? INTERIM_DEFAULTS.maxSeconds) * LATE_FACTOR * 1000;
}
