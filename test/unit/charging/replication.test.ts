import { describe, expect, it } from 'vitest';
import type { RedisClient } from '../../../src/charging/redis-client.js';
import { createReplication, NotReplicatedError } from '../../../src/charging/replication.js';
import { createLogger } from '../../../src/observability/logger.js';

const TIMEOUT_MS = 250;
const OURS = 'ours';

/** What one WAIT is told: how many replicas have confirmed, or what the server says instead. */
type Confirmed = number | Error;

/** A server whose replicas confirm as the list says, one entry for each WAIT; then the last again. */
function serverThat(
  confirmed: readonly Confirmed[],
  replicas: number,
  { lineage = OURS, library = true }: { lineage?: string; library?: boolean } = {},
) {
  const calls: string[] = [];
  let waits = 0;
  let isLoaded = library;
  const pipeline = () => {
    const replies: (() => [Error | null, unknown])[] = [];
    const commands = {
      fcall: (_name: string, _count: number, key: string, writes: number) => {
        replies.push(() => {
          if (!isLoaded) return [new Error('ERR Function not found'), null];
          calls.push(`${writes === 1 ? 'write' : 'ask'} ${key}`);
          return [null, [0, lineage, replicas]];
        });
        return commands;
      },
      wait: () => {
        replies.push(() => {
          if (!isLoaded) return [null, 0];
          calls.push('WAIT');
          const reply = confirmed[waits] ?? confirmed.at(-1) ?? 0;
          waits += 1;
          return reply instanceof Error ? [reply, null] : [null, reply];
        });
        return commands;
      },
      exec: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return replies.map((reply) => reply());
      },
    };
    return commands;
  };
  const replication = createReplication(
    { timeoutMs: TIMEOUT_MS, waitedKey: (key) => key },
    {
      redis: { pipeline } as unknown as RedisClient,
      scripts: {
        functionName: (script) => script,
        load: async () => void (isLoaded = true),
      },
      logger: createLogger({ level: 'silent' }),
    },
  );
  return { confirm: (told = OURS) => replication.confirm('k', told), calls };
}

const CONFIRMATION = ['write k', 'WAIT', 'ask k'];

describe('a confirmation by a replica', () => {
  it('is waited for behind a write of its own, and its server named behind that', async () => {
    const { confirm, calls } = serverThat([1], 1);
    await confirm();
    expect(calls).toEqual(CONFIRMATION);
  });

  it('serves all that ask while another is under way, and never one that asked later', async () => {
    const { confirm, calls } = serverThat([1], 1);
    const first = confirm();
    await new Promise((resolve) => setImmediate(resolve));
    const shared = [confirm(), confirm(), confirm()];
    await Promise.all([first, ...shared]);
    expect(calls).toEqual([...CONFIRMATION, ...CONFIRMATION]);
  });

  it('is none for what another server answered, though it serves those beside it', async () => {
    const { confirm } = serverThat([1], 1);
    const [own, other] = await Promise.allSettled([confirm(), confirm('theirs')]);
    expect(own.status).toBe('fulfilled');
    expect(other).toMatchObject({ status: 'rejected', reason: { code: 'TOLLD_NOT_REPLICATED' } });
  });

  it('that a connected replica does not give in time is a failure', async () => {
    const { confirm } = serverThat([0], 1);
    await expect(confirm()).rejects.toBeInstanceOf(NotReplicatedError);
  });

  it('is not waited for while no replica follows', async () => {
    const { confirm, calls } = serverThat([0], 0);
    await confirm();
    await confirm();
    expect(calls, 'the first found out').toEqual([...CONFIRMATION, 'ask k']);
  });

  it('is not done without for the answer of a server that may have replicas', async () => {
    const { confirm } = serverThat([0], 0, { lineage: 'of another, which has none' });
    await expect(confirm()).rejects.toBeInstanceOf(NotReplicatedError);
    await expect(confirm(), 'and again').rejects.toBeInstanceOf(NotReplicatedError);
  });

  it('fails with what the server says, and the next is asked for anew', async () => {
    const { confirm } = serverThat([new Error('READONLY'), 1], 1);
    await expect(confirm()).rejects.toThrow('READONLY');
    await confirm();
  });

  it('has the library loaded where the server lacks it', async () => {
    const { confirm, calls } = serverThat([1], 1, { library: false });
    await confirm();
    expect(calls).toEqual(CONFIRMATION);
  });
});
