/** What an accept or a change tells the NAS, as the NAS takes it. */
import { parseRateLimit } from '../../radius/authorization/mikrotik-rate-limit.js';
import type { Attribute } from '../../radius/attribute.js';
import {
  MikrotikAddressList,
  MikrotikRateLimit,
  MikrotikRecvLimit,
  MikrotikRecvLimitGigawords,
  MikrotikTotalLimit,
  MikrotikTotalLimitGigawords,
  MikrotikXmitLimit,
  MikrotikXmitLimitGigawords,
} from '../../radius/generated/mikrotik.js';
import {
  AcctInterimInterval,
  Class,
  FramedIpAddress,
  FramedPool,
  SessionTimeout,
} from '../../radius/generated/standard.js';
import type { RadiusPacket } from '../../radius/packet.js';

/** Limits of 0 mean none, as they do to a router. */
export interface SimulatedTerms {
  readonly classes: readonly Buffer[];
  readonly address: string | null;
  readonly pool: string | null;
  readonly sessionSecondsMax: number | null;
  readonly interimSeconds: number | null;
  readonly uploadOctetsMax: number | null;
  readonly downloadOctetsMax: number | null;
  readonly totalOctetsMax: number | null;
  readonly uploadBitsPerSecond: number | null;
  readonly downloadBitsPerSecond: number | null;
  readonly rateLimit: string | null;
  readonly addressList: string | null;
}

export const NO_TERMS: SimulatedTerms = {
  classes: [],
  address: null,
  pool: null,
  sessionSecondsMax: null,
  interimSeconds: null,
  uploadOctetsMax: null,
  downloadOctetsMax: null,
  totalOctetsMax: null,
  uploadBitsPerSecond: null,
  downloadBitsPerSecond: null,
  rateLimit: null,
  addressList: null,
};

/** Terms that a CoA-Request carries and that the session had otherwise. */
export function applyTerms(before: SimulatedTerms, packet: RadiusPacket): SimulatedTerms {
  const limit = (low: Attribute<number>, high: Attribute<number>, old: number | null) => {
    const octets = packet.get(low);
    if (octets === undefined) return old;
    const total = octets + (packet.get(high) ?? 0) * 2 ** 32;
    return total === 0 ? null : total;
  };
  const rateLimit = packet.get(MikrotikRateLimit) ?? before.rateLimit;
  const parsed = rateLimit === null ? null : parseRateLimit(rateLimit);
  const speed = parsed?.ok === true ? parsed.speed : null;
  const classes = packet.all(Class);
  return {
    classes: classes.length > 0 ? classes : before.classes,
    address: packet.get(FramedIpAddress) ?? before.address,
    pool: packet.get(FramedPool) ?? before.pool,
    sessionSecondsMax: packet.get(SessionTimeout) ?? before.sessionSecondsMax,
    interimSeconds: packet.get(AcctInterimInterval) ?? before.interimSeconds,
    uploadOctetsMax: limit(MikrotikRecvLimit, MikrotikRecvLimitGigawords, before.uploadOctetsMax),
    downloadOctetsMax: limit(
      MikrotikXmitLimit,
      MikrotikXmitLimitGigawords,
      before.downloadOctetsMax,
    ),
    totalOctetsMax: limit(MikrotikTotalLimit, MikrotikTotalLimitGigawords, before.totalOctetsMax),
    uploadBitsPerSecond: speed === null ? null : speed.uploadBitsPerSecond || null,
    downloadBitsPerSecond: speed === null ? null : speed.downloadBitsPerSecond || null,
    rateLimit,
    addressList: packet.get(MikrotikAddressList) ?? before.addressList,
  };
}
