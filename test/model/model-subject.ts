/** The model as a charging subject, so that scenarios run against it as they do against the scripts. */
import type { ChargingSubject } from '../support/charging-subject.js';
import { ChargingModel } from './charging-model.js';

export function createModelSubject(model = new ChargingModel()): ChargingSubject {
  return {
    charge: async (request) => model.charge(request),
    settle: async (request) => model.settle(request),
    enquire: async (request) => model.enquire(request),
    credit: async (request) => model.credit(request),
    provision: async (request) => model.provision(request),
    sweep: async (timer, now) => model.sweep(timer, now),
    dueTimers: async (partition, now) => model.dueTimers(partition, now),
    account: async (_partition, accountId) => model.account(accountId),
    session: async (_partition, sessionId) => model.session(sessionId),
    purge: async (_partition, accountId, recorded) => model.purge(accountId, recorded),
    fence: async (_partition, closed) => {
      model.world.closed = closed;
    },
    told: async () => [...model.world.told].toSorted(),
    newEntries: async () => model.newEntries(),
  };
}
