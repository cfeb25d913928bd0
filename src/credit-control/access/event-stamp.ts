/** Who and where, for the record of a RADIUS session. */
import type { AccountingReport, AccessRequest, ConnectionKind } from '../../domain/access.js';
import type { EventStamp } from '../../domain/events.js';
import type { SubscriberProfile } from '../../domain/profile.js';
import { ACCESS_CONTEXT } from './metered-services.js';

type Spoken = Pick<AccessRequest, 'nas' | 'context' | 'sessionKey' | 'station' | 'identities'> & {
  readonly address?: string | null;
  readonly eventTimestamp?: number | null;
};

/** What a session is kept with in the record, so that it can be found and steered after a rebuild. */
export function keptContext(
  {
    networkScope,
    connection,
  }: Pick<AccessRequest, 'networkScope'> & {
    readonly connection: ConnectionKind | null;
  },
  profile: Pick<SubscriberProfile, 'tariff' | 'plan'>,
  accessPlan: string,
): Readonly<Record<string, string>> {
  const kept: Record<string, string> = { networkScope, accessPlan };
  if (connection !== null) kept['connection'] = connection;
  if (profile.tariff !== '') kept['tariff'] = profile.tariff;
  if (profile.plan !== undefined) kept['chargingPlan'] = profile.plan;
  return kept;
}

/**
 * What the front said beside what the profile says. Personal identifiers stand apart.
 * @param kept see {@link keptContext}.
 */
export function accessStamp(
  spoken: Spoken | Extract<AccountingReport, { readonly kind: 'session' }>,
  profile: Pick<SubscriberProfile, 'tenant' | 'customer' | 'subscription' | 'userName'>,
  configVersion: number,
  kept: Readonly<Record<string, string>> = {},
): EventStamp {
  return {
    tenant: profile.tenant,
    customer: profile.customer,
    subscription: profile.subscription,
    protocol: 'radius',
    peer: spoken.nas,
    serviceContext: ACCESS_CONTEXT,
    personal: personalOf(spoken, profile),
    network: networkOf(spoken, kept),
    eventTimestamp: spoken.eventTimestamp ?? null,
    configVersion,
  };
}

/** Field by field, since this is done for each report: a spread costs several times as much. */
function personalOf(
  { identities, station, address, context }: Spoken,
  profile: Pick<SubscriberProfile, 'userName'>,
): EventStamp['personal'] {
  const personal: {
    -readonly [Name in keyof EventStamp['personal']]: EventStamp['personal'][Name];
  } = {};
  const sent = identities.find(({ kind }) => kind === 'user-name');
  const userName = sent === undefined ? profile.userName : sent.value;
  if (userName !== undefined) personal.userName = userName;
  if (station !== null) personal.mac = station;
  const placed = address ?? context['address'];
  if (placed !== undefined) personal.address = placed;
  return personal;
}

/** Stand among what is personal, or are as good as it. */
const PERSONAL: ReadonlySet<string> = new Set(['callingStation', 'address', 'hostAddress']);

function networkOf(
  { context, sessionKey }: Spoken,
  kept: Readonly<Record<string, string>>,
): Record<string, string> {
  const network: Record<string, string> = {};
  for (const name in context) {
    const value = context[name];
    if (value !== undefined && !PERSONAL.has(name)) network[name] = value;
  }
  if (sessionKey !== null) network['sessionKey'] = sessionKey;
  return Object.assign(network, kept);
}
