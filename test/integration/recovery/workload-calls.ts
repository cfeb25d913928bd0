/** Sends what the driver of the random workload comes up with. */
import type { Call } from '../../model/driver.js';
import type { Command } from '../../model/workload.js';
import type { ChargingSubject } from '../../support/charging-subject.js';

/** What staff and networks do: recovery and the purge of ended buckets come in by other ways here. */
export function isUsual({ kind }: Command): boolean {
  return kind !== 'fence' && kind !== 'purge';
}

export async function performCall(subject: ChargingSubject, call: Call): Promise<unknown> {
  switch (call.kind) {
    case 'charge':
      return subject.charge(call.request);
    case 'settle':
      return subject.settle(call.request);
    case 'enquire':
      return subject.enquire(call.request);
    case 'credit':
      return subject.credit(call.request);
    case 'provision':
      return subject.provision(call.request);
    case 'sweep':
      return subject.sweep(call.timer, call.now);
    case 'purge':
    case 'fence':
      throw new Error(`${call.kind} is no usual call`);
  }
}
