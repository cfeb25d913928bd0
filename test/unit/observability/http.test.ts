import { afterEach, describe, expect, test } from 'vitest';
import { createOperationsServer, type OperationsServer } from '../../../src/observability/http.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import type { ReadinessCheck } from '../../../src/observability/readiness.js';

const logger = createLogger({ level: 'silent' });
const running: OperationsServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function start(checks: Readonly<Record<string, ReadinessCheck>> = {}) {
  const metrics = createMetrics({ processMetrics: false });
  const server = createOperationsServer(
    { host: '127.0.0.1', port: 0, checkTimeoutMs: 50 },
    { metrics, logger, checks },
  );
  running.push(server);
  const { port } = await server.listen();
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
  return { server, metrics, get, port };
}

describe('the operations server', () => {
  test('shows the metrics', async () => {
    const { metrics, get } = await start();
    metrics.counter({ name: 'tolld_things_total', help: 'Things.' }).inc(2);
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toBe(metrics.contentType);
    expect(await response.text()).toContain('tolld_things_total 2');
  });

  test('is healthy while the process answers, whatever its parts do', async () => {
    const { get } = await start({ redis: () => Promise.reject(new Error('down')) });
    expect((await get('/healthz')).status).toBe(200);
  });

  test('is ready when every check passes', async () => {
    const { get } = await start({ redis: async () => undefined, postgres: async () => undefined });
    const response = await get('/readyz');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'ready',
      checks: { redis: { ready: true }, postgres: { ready: true } },
    });
  });

  test('names the part that fails, and why', async () => {
    const { get } = await start({
      redis: async () => undefined,
      postgres: () => Promise.reject(new Error('connection refused')),
    });
    const response = await get('/readyz');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: 'not-ready',
      checks: { redis: { ready: true }, postgres: { ready: false, reason: 'connection refused' } },
    });
  });

  test('counts a check that never answers as failed', async () => {
    const { get } = await start({ redis: () => new Promise(() => undefined) });
    const response = await get('/readyz');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      checks: { redis: { reason: 'no answer in 50 ms' } },
    });
  });

  test('is not ready any more once it begins to stop, but stays healthy', async () => {
    const { server, get } = await start();
    server.beginStopping();
    const response = await get('/readyz');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'stopping' });
    expect((await get('/healthz')).status).toBe(200);
  });

  test('answers what is in flight before it closes, and nothing after', async () => {
    let release = (): void => undefined;
    let asked = (): void => undefined;
    const reached = new Promise<void>((resolve) => (asked = resolve));
    const held = new Promise<void>((resolve) => (release = resolve));
    const { server, get } = await start({
      slow: () => {
        asked();
        return held;
      },
    });
    const response = get('/readyz');
    await reached;
    const closed = server.close();
    release();
    expect((await response).status).toBe(503);
    await closed;
    await expect(get('/healthz')).rejects.toThrow();
  });

  test('refuses other methods and unknown paths, names of prototypes too', async () => {
    const { get } = await start();
    expect((await get('/metrics', { method: 'POST' })).status).toBe(405);
    expect((await get('/nothing')).status).toBe(404);
    expect((await get('/constructor')).status).toBe(404);
    expect((await get('/healthz?verbose=1')).status).toBe(200);
  });

  test('says which port is taken when it cannot listen', async () => {
    const { port, metrics } = await start();
    const second = createOperationsServer(
      { host: '127.0.0.1', port, checkTimeoutMs: 50 },
      { metrics, logger, checks: {} },
    );
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });
});
