/**
 * Finds the zones of a called number by its prefixes and those of a visited network by its codes.
 * A lookup walks digits or asks a Map twice; nothing is allocated.
 */
import type { Zone } from './tariff.js';

/** The zones that a number or network lies in, the longest prefix first. */
export interface ZoneChain {
  /** Distinct per list of zones, from 0; 0 is the empty list. */
  readonly index: number;
  readonly zones: readonly string[];
}

export interface ZoneIndex {
  /** By E.164 digits, a leading "+" allowed; a character that is no digit ends the number. */
  ofNumber(calledParty: string | undefined): ZoneChain;
  /** By MCC and MNC digits ("26201"); the network's own zone first, then its country's. */
  ofNetwork(visitedNetwork: string | undefined): ZoneChain;
  readonly chainCount: number;
}

const NO_ZONE: ZoneChain = { index: 0, zones: [] };
const ROOT = 0;
const PLUS = 43;
const DIGIT_0 = 48;
/** Digits of a mobile country code [ITU-T E.212]. */
const MCC_LENGTH = 3;

/** Digits of a network as the operator writes it ("262-01"), or null. */
export function networkDigits(network: string): string | null {
  return /^\d{3}(-?\d{2,3})?$/.test(network) ? network.replace('-', '') : null;
}

export function createZoneIndex(zones: readonly Zone[]): ZoneIndex {
  const chains = new Map<string, ZoneChain>([['', NO_ZONE]]);

  function chainOf(zone: string, behind: ZoneChain): ZoneChain {
    const names = [zone, ...behind.zones.filter((other) => other !== zone)];
    const key = names.join('\n');
    const known = chains.get(key);
    if (known !== undefined) return known;
    const chain = { index: chains.size, zones: names };
    chains.set(key, chain);
    return chain;
  }

  const trie = buildTrie(zones, chainOf);
  const networks = buildNetworks(zones, chainOf);

  return {
    ofNumber(calledParty) {
      if (calledParty === undefined) return NO_ZONE;
      let chain = NO_ZONE;
      let node = ROOT;
      let at = calledParty.charCodeAt(0) === PLUS ? 1 : 0;
      for (; at < calledParty.length; at += 1) {
        const digit = calledParty.charCodeAt(at) - DIGIT_0;
        if (digit < 0 || digit > 9) break;
        node = trie.next[node * 10 + digit] ?? ROOT;
        if (node === ROOT) break;
        chain = trie.chains[node] ?? chain;
      }
      return chain;
    },
    ofNetwork(visitedNetwork) {
      if (visitedNetwork === undefined) return NO_ZONE;
      return (
        networks.get(visitedNetwork) ?? networks.get(visitedNetwork.slice(0, MCC_LENGTH)) ?? NO_ZONE
      );
    },
    get chainCount() {
      return chains.size;
    },
  };
}

interface Trie {
  /** Ten followers per node; 0 for none, as no edge leads back to the root. */
  readonly next: readonly number[];
  readonly chains: readonly (ZoneChain | undefined)[];
}

type ChainOf = (zone: string, behind: ZoneChain) => ZoneChain;

function buildTrie(zones: readonly Zone[], chainOf: ChainOf): Trie {
  const prefixes = zones.flatMap((zone) =>
    (zone.prefixes ?? []).map((prefix) => ({ prefix, zone: zone.id })),
  );
  // Shorter ones first, so that what a number falls back to is known when its own zone is set.
  prefixes.sort((a, b) => a.prefix.length - b.prefix.length);
  const next: number[] = new Array<number>(10).fill(ROOT);
  const chains: (ZoneChain | undefined)[] = [undefined];
  for (const { prefix, zone } of prefixes) {
    let node = ROOT;
    let behind = NO_ZONE;
    for (const character of prefix) {
      const edge = node * 10 + Number(character);
      if (next[edge] === ROOT) {
        next[edge] = chains.length;
        chains.push(undefined);
        for (let digit = 0; digit < 10; digit += 1) next.push(ROOT);
      }
      node = next[edge] ?? ROOT;
      behind = chains[node] ?? behind;
    }
    chains[node] = chainOf(zone, behind);
  }
  return { next, chains };
}

function buildNetworks(zones: readonly Zone[], chainOf: ChainOf): ReadonlyMap<string, ZoneChain> {
  const networks = zones
    .flatMap((zone) =>
      (zone.networks ?? []).map((network) => ({ digits: networkDigits(network), zone: zone.id })),
    )
    .sort((a, b) => (a.digits?.length ?? 0) - (b.digits?.length ?? 0));
  const chains = new Map<string, ZoneChain>();
  for (const { digits, zone } of networks) {
    if (digits === null) continue;
    chains.set(digits, chainOf(zone, chains.get(digits.slice(0, MCC_LENGTH)) ?? NO_ZONE));
  }
  return chains;
}
