import { describe, expect, it } from 'vitest';
import { TRAFFIC } from '../../../src/cli/simulated-traffic.js';
import type { Role } from '../../../src/settings.js';
import { startDaemon, type Daemon } from '../../support/daemon.js';
import { demoGateway, loadDemoOperator, proveAccounts } from '../../support/demo-installation.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const redis = testRedis();
const database = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
});

const SEED = Date.now() % 1_000_000;

function startAs(...roles: Role[]): Promise<Daemon> {
  return startDaemon({ ...servers(), settings: { node: { roles } } });
}

async function metric(daemon: Daemon, name: string): Promise<number | null> {
  const text = await (await fetch(`${daemon.operationsUrl}/metrics`)).text();
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  return value === undefined ? null : Number(value);
}

describe('an installation cut into processes by role', () => {
  it(`charges in one, records in another, and the books balance (seed ${SEED})`, async () => {
    await loadDemoOperator(servers());
    const front = await startAs('diameter', 'sweeper');
    const flusher = await startAs('flusher');
    expect(flusher.diameterPort, 'it serves no gateway').toBe(0);
    const gateway = demoGateway({
      nodes: [{ host: '127.0.0.1', port: front.diameterPort }],
      seed: SEED,
      traffic: [TRAFFIC.data, TRAFFIC.sms],
      sessions: 10,
    });
    const { statistics, tally } = await gateway.run();
    expect(statistics.unanswered).toBe(0);
    await proveAccounts(servers(), tally);
    // The flusher's metrics come from its thread, through the same port as the rest.
    expect(await metric(flusher, 'tolld_outbox_flushed_events_total')).toBeGreaterThan(0);
    expect(await metric(front, 'tolld_outbox_flushed_events_total')).toBe(0);
    // Fronts look at the backlog too, to refuse new sessions before Redis is full.
    const backlog = (): Promise<number | null> => metric(front, 'tolld_outbox_backlog_entries');
    await expect.poll(backlog, { timeout: 10_000 }).toBe(0);
  });
});
