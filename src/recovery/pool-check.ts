/** Whether each address of our pools is one session's. */
import { readHeldAddresses } from '../charging/address-pools.js';
import type { Engine } from '../charging/engine.js';
import { finding, type Finding } from './finding.js';

/** Of a pool, each session's address is leased, and the pool knows nobody else who has it. */
export async function checkPools(
  engine: Engine,
  pools: readonly string[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const pool of pools) {
    for (const { sessionId, address, holder, isLeased } of await readHeldAddresses(engine, pool)) {
      // The pool has the address no more, and gives it to nobody.
      if (holder === null) continue;
      if (holder !== sessionId) {
        const message = `${address} of pool ${pool} is its address and that of session ${holder}`;
        findings.push(finding('address-double', { sessionId }, message));
      } else if (!isLeased) {
        const message = `${address} of pool ${pool} is its address and nobody's lease`;
        findings.push(finding('address-unleased', { sessionId }, message));
      }
    }
  }
  return findings;
}
