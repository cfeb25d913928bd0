import { afterAll, expect, test } from 'vitest';
import { createEngineConnection } from '../../../src/charging/engine-connection.js';
import { createSteeringSignal } from '../../../src/charging/steering-signal.js';
import { silentLogger } from '../../support/charging-engine.js';
import { testRedis } from '../../support/redis.js';
import { startSwallowingProxy } from '../../support/swallowing-proxy.js';

const redis = testRedis();
const TIMEOUT_MS = 200;
const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const clean of cleanUp.reverse()) await clean();
});

test('a listener that is cut off as it asks to listen again goes on listening', async () => {
  const proxy = await startSwallowingProxy(redis.url);
  const connection = createEngineConnection(
    {
      url: proxy.url,
      keyPrefix: redis.prefix,
      name: 'signal',
      commandTimeoutMs: TIMEOUT_MS,
      requestTimeoutMs: 5_000,
    },
    { logger: silentLogger },
  );
  await connection.open();
  const heard: number[] = [];
  const signal = createSteeringSignal(connection.engine, {
    logger: silentLogger,
    onRaised: (partition) => heard.push(partition),
  });
  cleanUp.push(
    () => proxy.close(),
    () => connection.close(),
    () => signal.close(),
  );
  await signal.open();
  proxy.loseReplyTo('psubscribe', 'cut');
  const listeners = await redis.client.client('LIST', 'TYPE', 'PUBSUB');
  const ours = /id=(\d+) [^\n]*name=tolld-steering-signal/.exec(String(listeners))?.[1];
  await redis.client.client('KILL', 'ID', Number(ours));
  await expect.poll(() => proxy.lost, { timeout: 10_000 }).toBe(1);
  const say = (): Promise<unknown> =>
    redis.client.publish(connection.engine.keys.steer(3), 'something');
  await expect
    .poll(async () => (await say(), heard.length), { timeout: 10_000 })
    .toBeGreaterThan(0);
  expect(heard[0]).toBe(3);
});
