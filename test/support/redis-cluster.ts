/** A Redis Cluster and a Redis under sentinels, on loopback, for tests that break them. */
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findFreePort } from '../../src/local/port-choice.js';
import { findRedisCommand } from '../../src/local/redis-command.js';
import { startRedisServer, type RedisServer } from '../../src/local/redis-server.js';
import { startServerProcess, type ServerProcess } from '../../src/local/server-process.js';
import { makeScratchDirectory } from './scratch-directory.js';

const run = promisify(execFile);

export interface TestNode {
  readonly port: number;
  readonly address: string;
  readonly url: string;
  pid(): number;
  kill(): Promise<void>;
  /** Starts it again with the data it has. */
  start(): Promise<void>;
}

export interface TestCluster {
  /** Resolves when every master has a replica that follows it. */
  untilWhole(): Promise<void>;
  /** The masters of the beginning, then one replica of each in the same order. */
  readonly nodes: readonly TestNode[];
  /** `redis-cli` against the first node that answers; its output. */
  cli(...args: readonly string[]): Promise<string>;
  /** The port of the master that serves a slot now. */
  masterOf(slot: number): Promise<number>;
  /** Moves a slot as `redis-cli --cluster reshard` does: key by key, while others write to it. */
  moveSlot(slot: number, toPort: number): Promise<void>;
  remove(): Promise<void>;
}

const MASTERS = 3;
const SLOTS = 16_384;
/** How long a master is silent before the others elect; short, for tests. */
const NODE_TIMEOUT_MS = 1_000;

/**
 * Three masters with a replica each, the slots cut evenly. The map is written into the nodes'
 * files before they start, so that no gossip has to be waited for.
 */
export async function startRedisCluster(
  moreSettings: readonly string[] = [],
): Promise<TestCluster> {
  const directory = makeScratchDirectory('cluster');
  const ports: number[] = [];
  while (ports.length < 2 * MASTERS) {
    const port = await findFreePort();
    // The bus of the cluster listens on another port: 10,000 above, by Redis' own rule.
    if (port < 55_000 && !ports.includes(port)) ports.push(port);
  }
  const nodes = await Promise.all(
    ports.map((port, index) =>
      startNode(path.join(directory, String(index)), { port, ports, moreSettings }),
    ),
  );
  const cli = async (...args: readonly string[]): Promise<string> => {
    for (const { port } of nodes) {
      try {
        return await redisCli(port, ...args);
      } catch (error) {
        if (port === nodes.at(-1)?.port) throw error;
      }
    }
    return '';
  };
  await until(async () => {
    const states = await Promise.all(
      ports.map(async (port) => [
        await redisCli(port, 'cluster', 'info'),
        await redisCli(port, 'info', 'replication'),
      ]),
    );
    return states.every(([info = '', replication = ''], index) => {
      const isLinked = index < MASTERS || replication.includes('master_link_status:up');
      return info.includes('cluster_state:ok') && isLinked;
    });
  });
  const masterOf = async (slot: number): Promise<number> => {
    for (const line of (await cli('cluster', 'nodes')).split('\n')) {
      const [, address = '', flags = '', , , , , , ...ranges] = line.split(' ');
      if (!flags.includes('master') || flags.includes('fail')) continue;
      const serves = ranges.some((range) => {
        const [from = 0, to = from] = range.split('-').map(Number);
        return from <= slot && slot <= to;
      });
      if (serves) return Number(/:(\d+)@/.exec(address)?.[1]);
    }
    throw new Error(`no master serves slot ${slot}`);
  };
  return {
    nodes,
    cli,
    masterOf,
    untilWhole: () => until(() => areWhole(ports)),
    moveSlot: async (slot, toPort) => {
      const fromPort = await masterOf(slot);
      const [fromId, toId] = await Promise.all([fromPort, toPort].map(idOf));
      const setSlot = (port: number, ...args: readonly string[]): Promise<string> =>
        redisCli(port, 'cluster', 'setslot', String(slot), ...args);
      await setSlot(toPort, 'importing', fromId ?? '');
      await setSlot(fromPort, 'migrating', toId ?? '');
      for (;;) {
        const keys = await redisCli(fromPort, 'cluster', 'getkeysinslot', String(slot), '3');
        const found = keys.split('\n').filter((key) => key !== '');
        if (found.length === 0) break;
        const target = ['127.0.0.1', String(toPort), '', '0', '5000'];
        await redisCli(fromPort, 'migrate', ...target, 'keys', ...found);
      }
      // The new owner first: until it knows, the old one would send everybody to and fro.
      await setSlot(toPort, 'node', toId ?? '');
      await setSlot(fromPort, 'node', toId ?? '');
    },
    remove: async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function nodeId(index: number): string {
  return String(index + 1).padStart(40, '0');
}

/** The file in which a node keeps what it knows of the cluster. */
function clusterMap(ports: readonly number[], self: number): string {
  const lines = ports.map((port, index) => {
    const master = index % MASTERS;
    const address = `127.0.0.1:${port}@${port + 10_000}`;
    const me = index === self ? 'myself,' : '';
    if (index >= MASTERS) {
      return `${nodeId(index)} ${address} ${me}slave ${nodeId(master)} 0 0 ${master + 1} connected`;
    }
    const from = Math.ceil((master * SLOTS) / MASTERS);
    const to = Math.ceil(((master + 1) * SLOTS) / MASTERS) - 1;
    return `${nodeId(index)} ${address} ${me}master - 0 0 ${master + 1} connected ${from}-${to}`;
  });
  return [...lines, `vars currentEpoch ${MASTERS} lastVoteEpoch 0`, ''].join('\n');
}

async function startNode(
  directory: string,
  {
    port,
    ports,
    moreSettings,
  }: {
    readonly port: number;
    readonly ports: readonly number[];
    readonly moreSettings: readonly string[];
  },
): Promise<TestNode> {
  await mkdir(directory);
  await writeFile(path.join(directory, 'nodes.conf'), clusterMap(ports, ports.indexOf(port)));
  return runNode(directory, port, [
    'cluster-enabled yes',
    'cluster-config-file nodes.conf',
    `cluster-node-timeout ${NODE_TIMEOUT_MS}`,
    'cluster-replica-validity-factor 0',
    'repl-diskless-sync-delay 0',
    ...moreSettings,
  ]);
}

async function runNode(
  directory: string,
  port: number,
  moreSettings: readonly string[],
): Promise<TestNode> {
  const start = (): Promise<RedisServer> =>
    startRedisServer({
      command: redisCommand(),
      directory,
      disposable: directory,
      choosePort: async () => port,
      appendFsync: 'always',
      maxMemoryMb: 128,
      moreSettings,
    });
  let server = await start();
  return {
    port,
    address: `127.0.0.1:${port}`,
    url: `redis://127.0.0.1:${port}`,
    pid: () => server.pid,
    kill: () => server.kill(),
    start: async () => {
      server = await start();
    },
  };
}

async function idOf(port: number): Promise<string> {
  return (await redisCli(port, 'cluster', 'myid')).trim();
}

function redisCommand(): readonly string[] {
  const found = findRedisCommand();
  if (found === null) throw new Error('no Redis 7 or newer on the search path');
  return found.command;
}

async function redisCli(port: number, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...args]);
  return stdout;
}

function portOf(address: string): number {
  return Number(address.split(':')[1]);
}

/** Whether each of these servers follows a master, or is one that is followed. */
async function areWhole(ports: readonly number[]): Promise<boolean> {
  const reports = await Promise.all(
    ports.map((port) => redisCli(port, 'info', 'replication').catch(() => '')),
  );
  return reports.every(
    (report) =>
      report.includes('master_link_status:up') ||
      (report.includes('role:master') && /state=online/.test(report)),
  );
}

const POLL_MS = 50;
const PATIENCE_MS = 60_000;

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the Redis servers did not come together');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export interface TestSentinels {
  /** The master of the beginning, then its replica. */
  readonly servers: readonly TestNode[];
  /** `host:port` of each sentinel. */
  readonly sentinels: readonly string[];
  readonly masterName: string;
  /** The server that the sentinels name. */
  master(): Promise<TestNode>;
  /** Resolves when the master has a replica that follows it. */
  untilWhole(): Promise<void>;
  remove(): Promise<void>;
}

const SENTINELS = 3;

/** A master with one replica, and three sentinels that watch them. */
export async function startRedisSentinels(
  moreSettings: readonly string[] = [],
): Promise<TestSentinels> {
  const directory = makeScratchDirectory('sentinels');
  const masterName = 'tolld';
  const inside = async (name: string): Promise<string> => {
    const place = path.join(directory, name);
    await mkdir(place);
    return place;
  };
  const master = await runNode(await inside('master'), await findFreePort(), moreSettings);
  const replica = await runNode(await inside('replica'), await findFreePort(), [
    `replicaof 127.0.0.1 ${master.port}`,
    'repl-diskless-sync-delay 0',
    ...moreSettings,
  ]);
  await until(async () =>
    (await redisCli(replica.port, 'info', 'replication')).includes('master_link_status:up'),
  );
  const processes: ServerProcess[] = [];
  const sentinels: string[] = [];
  for (let index = 0; index < SENTINELS; index += 1) {
    const place = await inside(`sentinel-${index}`);
    const port = await findFreePort();
    const file = path.join(place, 'sentinel.conf');
    await writeFile(
      file,
      [
        'bind 127.0.0.1',
        `port ${port}`,
        `dir ${JSON.stringify(place)}`,
        `sentinel monitor ${masterName} 127.0.0.1 ${master.port} 2`,
        `sentinel down-after-milliseconds ${masterName} ${NODE_TIMEOUT_MS}`,
        `sentinel failover-timeout ${masterName} 5000`,
        '',
      ].join('\n'),
    );
    const [command = '', ...leading] = redisCommand();
    processes.push(
      await startServerProcess({
        name: `sentinel ${index}`,
        command,
        args: [...leading, file, '--sentinel'],
        directory: place,
        user: null,
        readyText: '+monitor master',
        readyTimeoutMs: PATIENCE_MS,
        stopSignal: 'SIGTERM',
        disposable: place,
      }),
    );
    sentinels.push(`127.0.0.1:${port}`);
  }
  await until(async () => {
    const views = await Promise.all(
      sentinels.map((address) => redisCli(portOf(address), 'sentinel', 'master', masterName)),
    );
    return views.every((view) => {
      const fields = view.split('\n');
      const valueOf = (name: string): number => Number(fields[fields.indexOf(name) + 1]);
      return valueOf('num-slaves') === 1 && valueOf('num-other-sentinels') === SENTINELS - 1;
    });
  });
  return {
    servers: [master, replica],
    sentinels,
    masterName,
    master: async () => {
      const [address = ''] = sentinels;
      const command = ['sentinel', 'get-master-addr-by-name', masterName];
      const [, port] = (await redisCli(portOf(address), ...command)).split('\n');
      return port?.trim() === String(replica.port) ? replica : master;
    },
    untilWhole: () => until(() => areWhole([master.port, replica.port])),
    remove: async () => {
      await Promise.all([master, replica].map((server) => server.kill()));
      await Promise.all(processes.map((each) => each.kill()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
