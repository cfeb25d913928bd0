import type { Engine } from '../../src/charging/engine.js';
import type { Scripts } from '../../src/charging/script-loader.js';

/** Scripts that try the short way of something, and those that never do. */
export interface TwoWays {
  /** An empty key space. */
  readonly fresh: () => Promise<Engine>;
  readonly whole: Scripts;
  readonly short: Scripts;
}
