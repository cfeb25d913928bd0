/** Finds the declared peer behind a DiameterIdentity. Hosts and realms compare without case. */
import type { DiameterPeer } from '../domain/diameter-peer.js';
import { resolvePeer, type ResolvedPeer } from './peer.js';

export class PeerDirectory {
  #byHost = new Map<string, ResolvedPeer>();
  #byRealm = new Map<string, ResolvedPeer>();
  #byName = new Map<string, ResolvedPeer>();

  constructor(peers: readonly DiameterPeer[]) {
    this.replace(peers);
  }

  /** Takes a new list; connections that are open keep the peer they were admitted as. */
  replace(peers: readonly DiameterPeer[]): void {
    const byHost = new Map<string, ResolvedPeer>();
    const byRealm = new Map<string, ResolvedPeer>();
    this.#byName = new Map(peers.map((peer) => [peer.name, resolvePeer(peer)]));
    for (const peer of peers) {
      if (peer.originHost === null) byRealm.set(peer.realm.toLowerCase(), resolvePeer(peer));
      else byHost.set(peer.originHost.toLowerCase(), resolvePeer(peer));
    }
    this.#byHost = byHost;
    this.#byRealm = byRealm;
  }

  /** The peer of this host, or the one that admits its whole realm; null for a stranger. */
  find(host: string, realm: string): ResolvedPeer | null {
    const named = this.#byHost.get(host.toLowerCase());
    if (named !== undefined) {
      return named.realm.toLowerCase() === realm.toLowerCase() ? named : null;
    }
    return this.#byRealm.get(realm.toLowerCase()) ?? null;
  }

  /** The peer as it is declared now; undefined when nobody declares it any more. */
  named(name: string): ResolvedPeer | undefined {
    return this.#byName.get(name);
  }

  /** Whether the peer may connect from this address. */
  static mayConnectFrom(peer: ResolvedPeer, address: string): boolean {
    return peer.addresses === undefined || peer.addresses.includes(address);
  }
}
