import { describe, expect, it } from 'vitest';
import type { RedisClient } from '../../../src/charging/redis-client.js';
import { createReplication, NotReplicatedError } from '../../../src/charging/replication.js';
import { createLogger } from '../../../src/observability/logger.js';

const TIMEOUT_MS = 250;

/** A server whose replicas confirm as the list says, one entry for each WAIT; then the last again. */
function serverThat(confirmed: readonly (number | Error)[], replicas: number) {
  const calls: string[] = [];
  let waits = 0;
  const redis = {
    pipeline: () => ({
      set: (key: string) => {
        calls.push(`SET ${key}`);
        return {
          wait: () => ({
            exec: async () => {
              await new Promise((resolve) => setImmediate(resolve));
              const reply = confirmed[waits] ?? confirmed.at(-1) ?? 0;
              waits += 1;
              calls.push('WAIT');
              return reply instanceof Error
                ? [[reply], [null, 0]]
                : [
                    [null, 'OK'],
                    [null, reply],
                  ];
            },
          }),
        };
      },
    }),
    info: async () => `role:master\r\nconnected_slaves:${replicas}\r\n`,
  };
  const replication = createReplication(
    { timeoutMs: TIMEOUT_MS },
    { redis: redis as unknown as RedisClient, logger: createLogger({ level: 'silent' }) },
  );
  return { replication, calls };
}

describe('a confirmation by a replica', () => {
  it('is waited for behind a write of its own', async () => {
    const { replication, calls } = serverThat([1], 1);
    await replication.confirm('k');
    expect(calls).toEqual(['SET k', 'WAIT']);
  });

  it('serves all that ask while another is under way, and never one that asked later', async () => {
    const { replication, calls } = serverThat([1], 1);
    const first = replication.confirm('k');
    await new Promise((resolve) => setImmediate(resolve));
    const shared = [replication.confirm('k'), replication.confirm('k'), replication.confirm('k')];
    await Promise.all([first, ...shared]);
    expect(calls).toEqual(['SET k', 'WAIT', 'SET k', 'WAIT']);
  });

  it('that a connected replica does not give in time is a failure', async () => {
    const { replication } = serverThat([0], 1);
    await expect(replication.confirm('k')).rejects.toBeInstanceOf(NotReplicatedError);
  });

  it('is not waited for while no replica is connected', async () => {
    const { replication, calls } = serverThat([0], 0);
    await replication.confirm('k');
    await replication.confirm('k');
    expect(calls, 'the first found out').toEqual(['SET k', 'WAIT']);
  });

  it('fails with what the server says, and the next is asked for anew', async () => {
    const { replication } = serverThat([new Error('READONLY'), 1], 1);
    await expect(replication.confirm('k')).rejects.toThrow('READONLY');
    await replication.confirm('k');
  });
});
