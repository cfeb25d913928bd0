/** Diameter peers. */
import { isIP } from 'node:net';
import type { DiameterPeer } from '../../../domain/diameter-peer.js';
import type { PeerFields } from '../format/peer-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Entry } from '../reading/read-file.js';
import type { CurrentState, PeerState } from './current-state.js';
import { differences, type Findings } from './findings.js';
import { NETWORK_SCOPE_DEFAULT } from './plan-identities.js';

export interface PeerWrite extends PeerState {
  readonly name: string;
  readonly definition: Pick<DiameterPeer, 'addresses' | 'security' | 'connect' | 'profile'>;
}

export function planPeers(
  entries: readonly Entry<PeerFields>[],
  current: CurrentState,
  { findings, plan }: { findings: Findings; plan: { readonly peers: PeerWrite[] } },
): void {
  const after = new Map<string, PeerState>(current.peers);
  const places = new Map<string, FilePath>();
  for (const { fields, path } of entries) {
    if (fields === null) continue;
    const peer = declarePeer(fields, path, findings);
    places.set(peer.name, path);
    after.set(peer.name, peer);
    const before = current.peers.get(peer.name);
    const details =
      before === undefined ? [] : differences({ ...before }, { ...withoutName(peer) });
    if (before === undefined) findings.create('diameter peer', peer.name);
    else if (peer.retired && !before.retired)
      findings.remove('diameter peer', peer.name, 'retired');
    else findings.compare('diameter peer', peer.name, details);
    if (before === undefined || details.length > 0) plan.peers.push(peer);
  }
  checkHosts(after, places, findings);
}

function declarePeer(fields: PeerFields, path: FilePath, findings: Findings): PeerWrite {
  for (const [index, address] of (fields.addresses ?? []).entries()) {
    if (isIP(address) !== 0) continue;
    const message = `"${address}" is no IP address`;
    findings.fault([...path, 'addresses', index], message, 'write an IPv4 or IPv6 address');
  }
  const { addresses, security, profile } = fields;
  if (fields.connect !== undefined && fields.originHost === undefined) {
    const message = 'a peer that is connected to must be one host';
    findings.fault([...path, 'connect'], message, 'name its originHost');
  }
  const port = security === 'tls' ? 5868 : 3868;
  const connect = fields.connect?.map((address) => ({ port, ...address }));
  return {
    name: fields.name,
    originHost: fields.originHost ?? null,
    realm: fields.realm,
    networkScope: fields.networkScope ?? NETWORK_SCOPE_DEFAULT,
    definition: {
      ...(addresses && { addresses }),
      ...(security && { security }),
      ...(connect && { connect }),
      ...(profile && { profile }),
    },
    retired: fields.retired ?? false,
  };
}

function withoutName({ name: _, ...peer }: PeerWrite): PeerState {
  return peer;
}

/** A connection must lead to one peer: by its host, or by its realm where no host is named. */
function checkHosts(
  peers: ReadonlyMap<string, PeerState>,
  places: ReadonlyMap<string, FilePath>,
  findings: Findings,
): void {
  const claimed = new Map<string, string>();
  // Those that are there already claim first, so that the fault has a place in the file.
  const sorted = [...peers].sort(([a], [b]) => Number(places.has(a)) - Number(places.has(b)));
  for (const [name, { originHost, realm, retired }] of sorted) {
    if (retired) continue;
    // DiameterIdentities are compared without case [RFC 6733 4.3.1].
    const key = (originHost === null ? `any host of ${realm}` : `host ${originHost}`).toLowerCase();
    const other = claimed.get(key);
    if (other === undefined) claimed.set(key, name);
    else {
      const message = `${key} is peer ${other} already`;
      const field = originHost === null ? 'realm' : 'originHost';
      findings.fault([...(places.get(name) ?? []), field], message, 'retire or change one of them');
    }
  }
}
