/** What a Redis must be like to hold money, looked at before the first request. */
import type { Redis } from 'ioredis';
import type { Engine } from './engine.js';
import { mastersOf } from './redis-client.js';

export type DurabilityLevel = 'strict' | 'relaxed' | 'replicated';

export interface ServerFinding {
  /** `refuse`: may lose or forget balances; the daemon does not start unless told to accept it. */
  readonly severity: 'refuse' | 'warn';
  readonly message: string;
}

const VERSION_MIN = 7;

/**
 * Checks version, eviction, memory and persistence of every master against a durability level
 * (docs/architecture.md). What a server does not let us read (a managed Redis without CONFIG) is a warning.
 */
export async function checkServer(
  engine: Engine,
  durability: DurabilityLevel,
): Promise<readonly ServerFinding[]> {
  const masters = mastersOf(engine.redis);
  const found = await Promise.all(masters.map((server) => checkMaster(server, durability)));
  if (masters.length === 1) return found.flat();
  return found.flatMap((findings, index) => {
    const { host, port } = masters[index]?.options ?? {};
    return findings.map(({ severity, message }) => ({
      severity,
      message: `${host}:${port}: ${message}`,
    }));
  });
}

async function checkMaster(
  server: Redis,
  durability: DurabilityLevel,
): Promise<readonly ServerFinding[]> {
  // Without naming sections: before 7.0 Redis knew no more than one.
  const info = parseInfo(await server.info());
  const findings: ServerFinding[] = [];
  const version = info.get('redis_version') ?? '0';
  if (Number.parseInt(version, 10) < VERSION_MIN) {
    findings.push({
      severity: 'refuse',
      message: `Redis is ${version}: upgrade it to ${VERSION_MIN}.0 or newer (functions)`,
    });
  }
  const settings = await readSettings(server);
  if (settings === null) {
    return [
      ...findings,
      {
        severity: 'warn',
        message: 'CONFIG GET is not allowed: eviction and persistence unchecked',
      },
    ];
  }
  return [
    ...findings,
    ...checkSettings(settings, durability),
    ...checkReplicas(info, settings, durability),
  ];
}

function checkSettings(
  settings: ReadonlyMap<string, string>,
  durability: DurabilityLevel,
): readonly ServerFinding[] {
  const findings: ServerFinding[] = [];
  const refuse = (message: string): void => void findings.push({ severity: 'refuse', message });
  if (settings.get('maxmemory-policy') !== 'noeviction') {
    refuse('maxmemory-policy must be noeviction: Redis would forget balances when it is full');
  }
  if (settings.get('maxmemory') === '0') {
    refuse('maxmemory must be set: without it the host runs out of memory instead of Redis');
  }
  checkPersistence(settings, durability, findings);
  if (Number(settings.get('hash-max-listpack-value') ?? 0) < 512) {
    findings.push({
      severity: 'warn',
      message: 'hash-max-listpack-value below 512 makes a session take twice the memory',
    });
  }
  return findings;
}

/** Fsync policies, the weakest first. */
const FSYNCS = ['no', 'everysec', 'always'];

function checkPersistence(
  settings: ReadonlyMap<string, string>,
  durability: DurabilityLevel,
  findings: ServerFinding[],
): void {
  const refuse = (message: string): void => void findings.push({ severity: 'refuse', message });
  if (settings.get('appendonly') !== 'yes') {
    refuse('appendonly must be yes: a restart would lose every balance');
    return;
  }
  const wanted = durability === 'relaxed' ? 'everysec' : 'always';
  const set = settings.get('appendfsync') ?? '';
  if (FSYNCS.indexOf(set) < FSYNCS.indexOf(wanted)) {
    refuse(
      durability === 'relaxed'
        ? `appendfsync is ${set}: a power cut may lose half a minute; everysec loses about a second`
        : `appendfsync must be always for durability ${durability}; ` +
            'with everysec choose TOLLD_ENGINE_DURABILITY=relaxed, which may lose a second on a power cut',
    );
  }
  if (settings.get('no-appendfsync-on-rewrite') === 'yes') {
    const message =
      'no-appendfsync-on-rewrite must be no: nothing is synced while the append-only file is ' +
      'rewritten, which takes minutes';
    findings.push({ severity: durability === 'relaxed' ? 'warn' : 'refuse', message });
  }
  if (settings.get('aof-load-truncated') === 'no') {
    const message =
      'aof-load-truncated no keeps Redis from starting after a power cut in the middle of a write';
    findings.push({ severity: 'warn', message });
  }
}

function checkReplicas(
  info: ReadonlyMap<string, string>,
  settings: ReadonlyMap<string, string>,
  durability: DurabilityLevel,
): readonly ServerFinding[] {
  if (durability !== 'replicated') return [];
  const findings: ServerFinding[] = [];
  if (Number(info.get('connected_slaves') ?? 0) === 0) {
    const message = 'durability replicated needs a connected replica';
    findings.push({ severity: 'refuse', message });
  }
  if (Number(settings.get('min-replicas-to-write') ?? 0) === 0) {
    const message =
      'min-replicas-to-write is 0: a master that is about to be replaced goes on answering without ' +
      'a replica, and a failover loses those answers; durability replicated needs 1';
    findings.push({ severity: 'warn', message });
  }
  return findings;
}

async function readSettings(server: Redis): Promise<ReadonlyMap<string, string> | null> {
  try {
    const pairs = (await server.config(
      'GET',
      'maxmemory',
      'maxmemory-policy',
      'appendonly',
      'appendfsync',
      'no-appendfsync-on-rewrite',
      'aof-load-truncated',
      'hash-max-listpack-value',
      'min-replicas-to-write',
    )) as unknown;
    return new Map(pairsOf(pairs));
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return null;
    throw error;
  }
}

/** RESP2 answers CONFIG GET with a flat list, RESP3 with a map. */
function pairsOf(reply: unknown): [string, string][] {
  if (reply instanceof Map) return [...(reply as Map<string, string>)];
  if (!Array.isArray(reply)) return Object.entries(reply as Record<string, string>);
  const flat = reply as string[];
  return flat.flatMap((name, index) =>
    index % 2 === 0 ? [[name, flat[index + 1] ?? ''] as [string, string]] : [],
  );
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
    }),
  );
}
