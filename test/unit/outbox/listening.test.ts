import { describe, expect, test } from 'vitest';
import { Lateness } from '../../../src/outbox/lateness.js';
import { createListening } from '../../../src/outbox/listening.js';

function listeningTo(probe: () => Promise<unknown>) {
  const heard: string[] = [];
  class Heard extends Lateness {
    override calm(): void {
      heard.push('calm');
    }
    override worked(): void {
      heard.push('worked');
    }
  }
  const lateness = new Heard({ intervalMs: 4 });
  return { heard, listening: createListening({ probe, lateness }) };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

describe('listening', () => {
  test('hears calm while the flusher rests', async () => {
    const stopping = new AbortController();
    const { heard, listening } = listeningTo(async () => {
      if (heard.length === 2) stopping.abort();
    });
    await listening.rest(3_600_000, stopping.signal);
    expect(heard).toEqual(['calm', 'calm', 'calm']);
  });

  test('hears work until it is done, and gives what came of it', async () => {
    const work = deferred<string>();
    let probes = 0;
    const { heard, listening } = listeningTo(async () => {
      probes += 1;
      if (probes === 3) work.resolve('written');
    });
    expect(await listening.during(work.promise)).toBe('written');
    expect(heard).toEqual(['worked', 'worked', 'worked']);
  });

  test('fails as the work does, after the probe that is under way', async () => {
    const probe = deferred<void>();
    const { heard, listening } = listeningTo(() => probe.promise);
    const over = listening.during(Promise.reject(new Error('Postgres is away')));
    probe.resolve();
    await expect(over).rejects.toThrow('Postgres is away');
    expect(heard).toEqual(['worked']);
  });

  test('hears nothing where probes fail, and rests and works all the same', async () => {
    const { heard, listening } = listeningTo(() => Promise.reject(new Error('Redis is away')));
    await listening.rest(10, new AbortController().signal);
    expect(await listening.during(Promise.resolve(1))).toBe(1);
    expect(heard).toEqual([]);
  });

  test('does not rest where it is to stop', async () => {
    const { heard, listening } = listeningTo(async () => undefined);
    await listening.rest(3_600_000, AbortSignal.abort());
    expect(heard).toEqual([]);
  });
});
