/** How many times more cases than in `npm test`: `npm run fuzz` sets it. */
import { processEnvironment } from '../../src/config.js';

export const FUZZ_FACTOR = Number(processEnvironment()['TOLLD_TEST_FUZZ_FACTOR'] ?? 1);

/** A machine that does other work at the same time takes its time. */
export const FUZZ_TIMEOUT_MS = 60_000 * FUZZ_FACTOR;
