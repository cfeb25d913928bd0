/** Sends what the driver of the random workload comes up with. */
import type { Call } from '../../model/driver.js';
import type { ChargingSubject } from '../../support/charging-subject.js';

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
  }
}
