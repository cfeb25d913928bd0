/** Who a NAS speaks of: found by the names in its request, remembered as a hint. */
import type { Engine } from '../../charging/engine.js';
import { findProfile } from '../../charging/routing.js';
import type { SubscriberIdentity } from '../../domain/identity.js';
import type { SubscriberProfile } from '../../domain/profile.js';
import { createRecent } from '../recent.js';

export interface FoundProfile {
  readonly profile: SubscriberProfile;
  /** Read just now, not remembered. */
  readonly fresh: boolean;
}

export interface AccessSubjects {
  /** What is remembered of the first of the names; null where that is nothing. */
  recall(networkScope: string, identities: readonly SubscriberIdentity[]): SubscriberProfile | null;
  /** The profile of the first name that is known in the scope; null for none. */
  find(
    networkScope: string,
    identities: readonly SubscriberIdentity[],
    fresh: boolean,
  ): Promise<FoundProfile | null>;
}

const PROFILES_MAX = 200_000;

export function createAccessSubjects({ engine }: { readonly engine: Engine }): AccessSubjects {
  const profiles = createRecent<string, SubscriberProfile>({ entriesMax: PROFILES_MAX });

  async function read(
    networkScope: string,
    identity: SubscriberIdentity,
  ): Promise<SubscriberProfile | null> {
    const key = engine.keys.identity(networkScope, identity);
    const found = await findProfile(engine, networkScope, identity);
    if (found === null) profiles.delete(key);
    else profiles.set(key, found);
    return found;
  }

  return {
    recall: (networkScope, [first]) =>
      first === undefined
        ? null
        : (profiles.get(engine.keys.identity(networkScope, first)) ?? null),
    find: async (networkScope, identities, fresh) => {
      for (const identity of identities.flatMap(spellings)) {
        const key = engine.keys.identity(networkScope, identity);
        const remembered = fresh ? undefined : profiles.get(key);
        if (remembered !== undefined) return { profile: remembered, fresh: false };
        const found = await read(networkScope, identity);
        if (found !== null) return { profile: found, fresh: true };
      }
      return null;
    },
  };
}

/** A user name with a realm is a network access identifier too [RFC 7542]. */
function spellings(identity: SubscriberIdentity): readonly SubscriberIdentity[] {
  return identity.kind === 'user-name' && identity.value.includes('@')
    ? [identity, { kind: 'nai', value: identity.value }]
    : [identity];
}
