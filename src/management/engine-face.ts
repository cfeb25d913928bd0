/** What management asks of the engine (charging/provisioning.ts), bound to one. */
import {
  creditAccount,
  moveAccount,
  provisionAccount,
  publishConfiguration,
  publishProfile,
  readConfiguration,
  readPublishedProfile,
  reAuthoriseSession,
  removeProfile,
} from '../charging/provisioning.js';

type Engine = Parameters<typeof provisionAccount>[0];
type Bound<Call> = Call extends (engine: Engine, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;

/** Every call is harmless when repeated, and may reject when Redis is away or fenced. */
export interface EngineFace {
  readonly provisionAccount: Bound<typeof provisionAccount>;
  readonly creditAccount: Bound<typeof creditAccount>;
  readonly moveAccount: Bound<typeof moveAccount>;
  readonly publishProfile: Bound<typeof publishProfile>;
  readonly removeProfile: Bound<typeof removeProfile>;
  readonly readPublishedProfile: Bound<typeof readPublishedProfile>;
  readonly reAuthoriseSession: Bound<typeof reAuthoriseSession>;
  readonly publishConfiguration: Bound<typeof publishConfiguration>;
  readonly readConfiguration: Bound<typeof readConfiguration>;
}

export function createEngineFace(engine: Engine): EngineFace {
  return {
    provisionAccount: (...args) => provisionAccount(engine, ...args),
    creditAccount: (...args) => creditAccount(engine, ...args),
    moveAccount: (...args) => moveAccount(engine, ...args),
    publishProfile: (...args) => publishProfile(engine, ...args),
    removeProfile: (...args) => removeProfile(engine, ...args),
    readPublishedProfile: (...args) => readPublishedProfile(engine, ...args),
    reAuthoriseSession: (...args) => reAuthoriseSession(engine, ...args),
    publishConfiguration: (...args) => publishConfiguration(engine, ...args),
    readConfiguration: (...args) => readConfiguration(engine, ...args),
  };
}
