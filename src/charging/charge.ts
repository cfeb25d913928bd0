/** The charge and settle scripts: one request of a charging session (docs/charging.md). */
import { outcomeOf, refusalOf, type ChargeOutcome, type EnquiryOutcome } from './charge-outcome.js';
import { mayBeNamed, packApart, packRequest, type ChargeRequest } from './charge-request.js';
import { bytesOf, callScript, statusOf, type Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { unpack } from './packing.js';
import type { ScriptReply } from './script-loader.js';
import { asAmount, asArray } from './unpacked.js';

/**
 * Charges what is reported and reserves what is asked for, in one atomic step.
 * @throws EngineUnavailableError, or EngineOutOfMemoryError when {@link settle} must be used.
 */
export function charge(engine: Engine, request: ChargeRequest): Promise<ChargeOutcome> {
  return call(engine, 'charge', request);
}

/** Charges what is reported and grants nothing; runs when memory is out. */
export function settle(engine: Engine, request: ChargeRequest): Promise<ChargeOutcome> {
  return call(engine, 'settle', request);
}

/**
 * How many of the units in each service's `used` the buckets would cover now; changes nothing.
 * @throws EngineUnavailableError
 */
export async function enquire(engine: Engine, request: ChargeRequest): Promise<EnquiryOutcome> {
  const { keys } = engine;
  const { partition, accountId, sharing } = request;
  const reply = await callScript(
    engine,
    'enquire',
    [
      keys.account(partition, accountId),
      keys.control(partition),
      ...(sharing ? [keys.account(partition, sharing.ownerAccountId)] : []),
    ],
    [packRequest(request)],
  );
  if (statusOf(reply) === layout.REPLY_DONE) {
    return { kind: 'enquired', covered: asArray(unpack(bytesOf(reply, 1))).map(asAmount) };
  }
  return { kind: 'refused', refusal: refusalOf(statusOf(reply)) };
}

async function call(
  engine: Engine,
  script: 'charge' | 'settle',
  request: ChargeRequest,
  mayRaise = false,
): Promise<ChargeOutcome> {
  const { keys } = engine;
  const { partition, accountId, sessionId, sharing } = request;
  const touched = [
    keys.account(partition, accountId),
    keys.session(partition, sessionId),
    keys.control(partition),
    keys.outbox(partition),
    keys.timers(partition),
    ...(sharing || mayRaise ? [keys.account(partition, sharing?.ownerAccountId ?? accountId)] : []),
    ...(mayRaise ? [keys.steer(partition), keys.tasks(partition)] : []),
  ];
  const run = (terms: 'named' | 'whole'): Promise<ScriptReply> =>
    callScript(engine, script, touched, packApart(request, terms));
  let reply = await run(mayBeNamed(request) ? 'named' : 'whole');
  // Redis started anew, or has forgotten them among many others: from now on it knows them.
  if (statusOf(reply) === layout.REPLY_TERMS_UNKNOWN) reply = await run('whole');
  if (statusOf(reply) === layout.REPLY_OWNER_NEEDED) {
    // The member left its group, or joined another, while it held units of the owner: they are
    // settled and given back, and nothing more is drawn there.
    const ownerAccountId = bytesOf(reply, 1).toString('utf8');
    const left = { ownerAccountId, order: 'own-first', scope: null, resources: [] } as const;
    return call(engine, script, { ...request, sharing: left }, mayRaise);
  }
  if (statusOf(reply) === layout.REPLY_STEERING_NEEDED) {
    // Seldom enough that no other request carries the keys: somebody else waits for units.
    return call(engine, script, request, true);
  }
  return outcomeOf(reply);
}
