import { Cluster, Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { createKeys } from '../../../src/charging/keys.js';
import type { RedisClient } from '../../../src/charging/redis-client.js';
import { chargeRouted } from '../../../src/charging/routing.js';
import { readScripts } from '../../../src/charging/script-loader.js';
import type { SessionRoute } from '../../../src/domain/session-route.js';

/** Charges a session over a connection of this kind; what happened, in its order. */
async function chargeOver(kind: { readonly prototype: RedisClient }): Promise<readonly string[]> {
  const events: string[] = [];
  const redis = Object.create(kind.prototype, {
    set: {
      value: async (key: string) => {
        events.push(`${key} sent`);
        await new Promise((resolve) => setImmediate(resolve));
        events.push(`${key} stands`);
        return 'OK';
      },
    },
  }) as RedisClient;
  const engine: Engine = {
    redis,
    scripts: readScripts(),
    keys: createKeys('t'),
    limits: { requestTimeoutMs: 1_000 },
  };
  const route = { partition: 3 } as SessionRoute;
  await chargeRouted(engine, { sessionId: 's', route, reports: false }, async () => {
    events.push('charge sent');
  });
  return events;
}

describe('the first charge of a session', () => {
  it('is sent right behind its route where one connection keeps their order', async () => {
    expect(await chargeOver(Redis)).toEqual(['t:route:s sent', 'charge sent', 't:route:s stands']);
  });

  it('waits until the route stands in a cluster, where two servers may run them', async () => {
    expect(await chargeOver(Cluster)).toEqual([
      't:route:s sent',
      't:route:s stands',
      'charge sent',
    ]);
  });
});
