/** A network that loses, doubles and holds back datagrams, as the seed of the run has it. */
import type { RandomChoices } from '../gy-simulator/random-choices.js';
import type { SimulatedNetwork } from './traffic.js';

export interface Network {
  /** Hands a datagram on, now, later, twice or never. */
  carry(deliver: () => void): void;
  /** Drops what is still held back. */
  close(): void;
}

export function createNetwork(options: Required<SimulatedNetwork>, random: RandomChoices): Network {
  const held = new Set<NodeJS.Timeout>();
  const carryOne = (deliver: () => void): void => {
    if (random.next() < options.loss) return;
    if (random.next() >= options.reordering) return deliver();
    const timer = setTimeout(
      () => {
        held.delete(timer);
        deliver();
      },
      random.within({ min: 1, max: options.holdMs }),
    );
    held.add(timer);
  };
  return {
    carry: (deliver) => {
      carryOne(deliver);
      if (random.next() < options.duplication) carryOne(deliver);
    },
    close: () => {
      for (const timer of held) clearTimeout(timer);
      held.clear();
    },
  };
}
