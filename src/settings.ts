/**
 * Every setting of the daemon, once: name, meaning, bounds and default. `config.ts` reads them,
 * `tolld config` and `docs/configuration.md` print them.
 */
import { LOG_LEVELS } from './observability/logger.js';
import {
  addresses,
  choice,
  flag,
  port,
  secretList,
  text,
  url,
  wholeNumber,
  words,
  type Setting,
} from './setting-kind.js';

/** How much of what was answered survives which failure; the cost is in docs/configuration.md. */
const DURABILITY_LEVELS = ['strict', 'relaxed', 'replicated'] as const;
export type DurabilityLevel = (typeof DURABILITY_LEVELS)[number];

/** What a process may do; all of it unless told otherwise. */
export const ROLES = ['diameter', 'radius', 'flusher', 'sweeper', 'management'] as const;
export type Role = (typeof ROLES)[number];

/** How Redis is laid out. */
const REDIS_TOPOLOGIES = ['single', 'cluster', 'sentinel'] as const;

/** A DiameterIdentity: a host or realm name [RFC 6733 4.3.1]. */
const DOMAIN_NAME =
  /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const PATH_OR_NOTHING = { fallback: '', pattern: /^[^\p{Cc}]*$/u, expected: 'the path of a file' };
const ADDRESS = /^[0-9A-Za-z.:%_-]+$/;

export const SETTINGS = {
  node: {
    name: text({
      meaning:
        'Name of this process, different for each: it stands in logs and is the first part of ' +
        'its Diameter identity.',
      fallback: 'tolld-1',
      pattern: /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/,
      expected: 'letters, digits and inner hyphens',
    }),
    roles: words({
      meaning:
        'What this process does. diameter, radius: serves that front. flusher: writes events to ' +
        'Postgres. sweeper: ends silent sessions and buckets. management: brings changes of the ' +
        'record to Redis. Each must be done by some process; `tolld serve --roles` sets it too.',
      fallback: ROLES,
      words: ROLES,
    }),
    startWaitMs: wholeNumber({
      meaning:
        'How long a starting process tries again while Redis or Postgres does not answer in time.',
      fallback: 60_000,
      min: 0,
      max: 3_600_000,
    }),
    shutdownGraceMs: wholeNumber({
      meaning: 'How long a stopping process may finish what is in flight before it ends anyway.',
      fallback: 15_000,
      min: 0,
      max: 300_000,
    }),
  },
  log: {
    level: choice({
      meaning: 'The least level that is logged. Subscriber identities appear from debug down.',
      fallback: 'info',
      words: LOG_LEVELS,
    }),
  },
  redis: {
    url: url({
      meaning: 'Redis 7 or Valkey that holds the charging state (rediss:// for TLS).',
      fallback: 'redis://127.0.0.1:6379',
      protocols: ['redis:', 'rediss:'],
      alias: 'REDIS_URL',
    }),
    topology: choice({
      meaning:
        'single: the one server of redis.url. cluster: a Redis Cluster that redis.url and ' +
        'redis.nodes are part of. sentinel: the master that the sentinels at redis.nodes name; ' +
        'of redis.url only user, password and TLS count. docs/operations.md has both.',
      fallback: 'single',
      words: REDIS_TOPOLOGIES,
    }),
    nodes: addresses({
      meaning:
        'Of a cluster: nodes to ask where the others are, beside the one of redis.url. With ' +
        'sentinel: the sentinels.',
    }),
    sentinelMaster: text({
      meaning: 'The name by which the sentinels know the master.',
      fallback: 'tolld',
      pattern: /^[A-Za-z0-9._-]{1,64}$/,
      expected: '1 to 64 letters, digits, dots, hyphens or underscores',
    }),
    keyPrefix: text({
      meaning: 'First part of every key, so that several installations can share a server.',
      fallback: 'tolld',
      pattern: /^[A-Za-z0-9_-]{1,32}$/,
      expected: '1 to 32 letters, digits, hyphens or underscores',
    }),
    commandTimeoutMs: wholeNumber({
      meaning:
        'After this a command without an answer counts as failed. It is repeated safely, ' +
        'since scripts recognise what they have answered.',
      fallback: 500,
      min: 10,
      max: 60_000,
    }),
    diskMb: wholeNumber({
      meaning:
        'Size of the disk for the append-only files of each Redis, in MB, where Redis runs on ' +
        'another machine: new sessions are refused before it is full. On this machine the disk ' +
        'itself is asked; 0 elsewhere: it is not watched.',
      fallback: 0,
      min: 0,
      max: 1_000_000_000,
    }),
    acceptUnsafeSettings: flag({
      meaning:
        'Start although Redis may forget: with an eviction policy, without maxmemory, or with ' +
        'an append-only file weaker than the durability level.',
      fallback: false,
    }),
  },
  postgres: {
    url: url({
      meaning: 'Postgres 15 or newer that holds the record.',
      fallback: 'postgres://127.0.0.1:5432/tolld',
      protocols: ['postgres:', 'postgresql:'],
      alias: 'DATABASE_URL',
    }),
    connectionsMax: wholeNumber({
      meaning: 'Connections of this process to Postgres.',
      fallback: 10,
      min: 2,
      max: 200,
    }),
    migrateAtStart: flag({
      meaning: 'Apply missing migrations when the daemon starts, one process at a time.',
      fallback: true,
    }),
  },
  secrets: {
    keys: secretList({
      meaning:
        'Keys that seal what must be kept in clear form: NAS secrets, passwords of subscribers. ' +
        'Newest first; the first seals, all of them open. The same in every process; without ' +
        'one, nothing with a secret can be loaded and RADIUS stays closed.',
      lengthMin: 16,
      lengthMax: 256,
    }),
  },
  engine: {
    partitions: wholeNumber({
      meaning:
        'Parts the key space is cut into. Chosen at the first start and stored; later it must ' +
        'not change.',
      fallback: 64,
      min: 1,
      max: 16_384,
    }),
    durability: choice({
      meaning:
        'strict: no answer before its fsync. relaxed: at most about one second may be lost on a ' +
        'power cut. replicated: strict, and a replica has it too.',
      fallback: 'strict',
      words: DURABILITY_LEVELS,
    }),
    connections: wholeNumber({
      meaning:
        'Connections to Redis that requests are charged by, each for its share of the ' +
        'partitions: Redis reads little of one at a time, and all that it has read shares an fsync.',
      fallback: 4,
      min: 1,
      max: 64,
    }),
    requestTimeoutMs: wholeNumber({
      meaning: 'A request that is not decided by then is refused as unavailable.',
      fallback: 2_000,
      min: 50,
      max: 60_000,
    }),
    requestsInFlightMax: wholeNumber({
      meaning:
        'Requests decided at one time; beyond it peers are told at once that it is too busy.',
      fallback: 2_000,
      min: 1,
      max: 100_000,
    }),
  },
  sweeper: {
    intervalMs: wholeNumber({
      meaning: 'How often silent sessions and ended buckets are looked for.',
      fallback: 1_000,
      min: 10,
      max: 600_000,
    }),
    batchMax: wholeNumber({
      meaning: 'Timers of one partition that are handled in one round.',
      fallback: 200,
      min: 1,
      max: 10_000,
    }),
  },
  flusher: {
    intervalMs: wholeNumber({
      meaning: 'How long an idle flusher waits before it reads the streams again.',
      fallback: 100,
      min: 1,
      max: 60_000,
    }),
    batchEntriesMax: wholeNumber({
      meaning: 'Stream entries written in one Postgres transaction.',
      fallback: 5_000,
      min: 1,
      max: 20_000,
    }),
    catchUpSeconds: wholeNumber({
      meaning:
        'While requests are charged, a backlog is written in small batches with rests, so that they ' +
        'go first, but so fast that it is gone within this time. 0: as fast as it can be, and so is ' +
        'what comes on an ordinary day.',
      fallback: 900,
      min: 0,
      max: 86_400,
    }),
    leaseMs: wholeNumber({
      meaning: 'How long a process owns a partition without renewing; then another takes it over.',
      fallback: 10_000,
      min: 100,
      max: 600_000,
    }),
    trimAfterSeconds: wholeNumber({
      meaning: 'Entries stay in Redis this long after Postgres has them.',
      fallback: 900,
      min: 0,
      max: 604_800,
    }),
  },
  diameter: {
    listenHost: text({
      meaning: 'Address that Diameter listens on.',
      fallback: '0.0.0.0',
      pattern: ADDRESS,
      expected: 'an IP address or a host name',
    }),
    listenPort: port({ meaning: 'TCP port that Diameter listens on.', fallback: 3868 }),
    tlsListenPort: port({
      meaning: 'TCP port that Diameter over TLS listens on, where tls.keyFile is set.',
      fallback: 5868,
    }),
    originRealm: text({
      meaning: 'Origin-Realm that peers see.',
      fallback: 'tolld.internal',
      pattern: DOMAIN_NAME,
      expected: 'a domain name',
    }),
    originHost: text({
      meaning:
        'Origin-Host that peers see, different for each process. Empty: <node.name>.<originRealm>.',
      fallback: '',
      pattern: new RegExp(`${DOMAIN_NAME.source}|^$`),
      expected: 'a fully qualified host name, or nothing',
    }),
    realms: text({
      meaning: 'Realms served beside originRealm, separated by commas.',
      fallback: '',
      pattern: new RegExp(
        `^(${DOMAIN_NAME.source.slice(1, -1)}(, *${DOMAIN_NAME.source.slice(1, -1)})*)?$`,
      ),
      expected: 'domain names separated by commas, or nothing',
    }),
    watchdogSeconds: wholeNumber({
      meaning: 'Silence after which a peer is asked whether it lives (Tw of RFC 3539).',
      fallback: 30,
      min: 6,
      max: 3_600,
    }),
    messageBytesMax: wholeNumber({
      meaning: 'A longer message closes its connection.',
      fallback: 65_536,
      min: 4_096,
      max: 16_777_215,
    }),
    answerTimeoutMs: wholeNumber({
      meaning: 'How long a peer may take to answer a request of ours.',
      fallback: 10_000,
      min: 50,
      max: 60_000,
    }),
    requestsInFlightMax: wholeNumber({
      meaning: 'Unanswered requests of one connection; beyond it nothing more is read from it.',
      fallback: 1_024,
      min: 1,
      max: 100_000,
    }),
  },
  steering: {
    intervalMs: wholeNumber({
      meaning:
        'How often requests to gateways are looked for that no signal told of, and the other ' +
        'processes are told which gateways are reached from here.',
      fallback: 1_000,
      min: 10,
      max: 60_000,
    }),
    leaseMs: wholeNumber({
      meaning:
        'How long a request belongs to the process that sends it, but never less than its tries ' +
        'take; after a crash another process sends again by then.',
      fallback: 60_000,
      min: 1_000,
      max: 600_000,
    }),
    retryMs: wholeNumber({
      meaning:
        'Wait before an unanswered request to a gateway is repeated; each later wait is four ' +
        'times the one before.',
      fallback: 5_000,
      min: 10,
      max: 600_000,
    }),
    retryMaxMs: wholeNumber({
      meaning: 'The longest wait between two attempts.',
      fallback: 300_000,
      min: 10,
      max: 3_600_000,
    }),
    attemptsMax: wholeNumber({
      meaning: 'Attempts before a request to a gateway is given up.',
      fallback: 5,
      min: 1,
      max: 100,
    }),
    reAuthorisationsPerSecond: wholeNumber({
      meaning:
        'Gy sessions asked to come back when their tariff or plan has changed, each second, by all ' +
        'processes together. 0: none is asked; each takes the change up with its next request.',
      fallback: 100,
      min: 0,
      max: 10_000,
    }),
    inFlightMax: wholeNumber({
      meaning: 'Requests to gateways under way at one time.',
      fallback: 1_000,
      min: 1,
      max: 100_000,
    }),
  },
  tls: {
    keyFile: text({
      meaning: "PEM file with this node's private key. Empty: no front listens for TLS.",
      ...PATH_OR_NOTHING,
    }),
    certificateFile: text({
      meaning:
        'PEM file with its certificate and what leads to an authority. It must name the ' +
        "node's Origin-Host. Renewed files are taken up without a restart.",
      ...PATH_OR_NOTHING,
    }),
    authoritiesFile: text({
      meaning: 'PEM file with the authorities whose certificates peers may show.',
      ...PATH_OR_NOTHING,
    }),
  },
  radius: {
    enabled: flag({
      meaning:
        'Whether RADIUS is served. It needs secrets.keys, which seal what travels through a NAS.',
      fallback: false,
    }),
    listenHost: text({
      meaning:
        'Address that RADIUS listens on. On a machine with several, name the one that NAS are ' +
        'told: replies leave from it.',
      fallback: '0.0.0.0',
      pattern: ADDRESS,
      expected: 'an IP address',
    }),
    authenticationPort: port({ meaning: 'UDP port for logins.', fallback: 1812 }),
    accountingPort: port({ meaning: 'UDP port for accounting.', fallback: 1813 }),
    tlsListenPort: port({
      meaning: 'TCP port that RADIUS over TLS listens on, where tls.keyFile is set.',
      fallback: 2083,
    }),
    tlsVersions: words({
      meaning:
        'Which RADIUS is spoken over TLS. 1.1 has no MD5 in it and needs TLS 1.3; both ends agree on ' +
        'it by ALPN, and a NAS that says nothing speaks 1.0. 1.0 alone forbids 1.1, and 1.1 alone ' +
        'turns away every NAS that does not have it. `tlsVersions` of the operator file says so of one.',
      fallback: ['1.0', '1.1'],
      words: ['1.0', '1.1'],
    }),
    sourceQueuesMax: wholeNumber({
      meaning:
        'NAS that get a receive queue of their own on each UDP port, so that a flood of others leaves ' +
        'them theirs; the rest share one. Each takes a file descriptor a port. On Linux only. 0: none.',
      fallback: 512,
      min: 0,
      max: 16_384,
    }),
    missedReportsMax: wholeNumber({
      meaning: 'Reports in a row that a session may miss before it is taken for gone and closed.',
      fallback: 4,
      min: 2,
      max: 100,
    }),
    lockOutFailures: wholeNumber({
      meaning:
        'Failed logins after which a user name, or a device, is turned away for a while. 0: never.',
      fallback: 10,
      min: 0,
      max: 10_000,
    }),
    lockOutSeconds: wholeNumber({
      meaning: 'How long that while lasts, from the first of the failures.',
      fallback: 300,
      min: 1,
      max: 86_400,
    }),
  },
  operations: {
    listenHost: text({
      meaning: 'Address of /metrics, /healthz and /readyz. Nothing there asks who you are.',
      fallback: '127.0.0.1',
      pattern: ADDRESS,
      expected: 'an IP address or a host name',
    }),
    listenPort: port({
      meaning: 'HTTP port of /metrics, /healthz and /readyz.',
      fallback: 9464,
    }),
    checkTimeoutMs: wholeNumber({
      meaning: 'How long one readiness check may take before it counts as failed.',
      fallback: 2_000,
      min: 10,
      max: 30_000,
    }),
  },
} as const;

type Table = typeof SETTINGS;
type ValueOf<Entry> = Entry extends Setting<infer Value> ? Value : never;

/** The daemon's configuration: the table with a value in each place. Frozen. */
export type Config = {
  readonly [Group in keyof Table]: {
    readonly [Name in keyof Table[Group]]: ValueOf<Table[Group][Name]>;
  };
};

/** A setting with its place: `redis.url`, in the environment `TOLLD_REDIS_URL` or `REDIS_URL`. */
export interface PlacedSetting extends Setting<unknown> {
  readonly group: string;
  readonly name: string;
  readonly path: string;
  /** The first is the usual one; the first that is set counts. */
  readonly variables: readonly string[];
}

function variableOf(group: string, name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return `TOLLD_${group.toUpperCase()}_${words}`;
}

/** All settings in the order of the table. */
export function describeSettings(): readonly PlacedSetting[] {
  return Object.entries(SETTINGS).flatMap(([group, settings]) =>
    Object.entries(settings as Record<string, Setting<unknown>>).map(([name, setting]) => ({
      ...setting,
      group,
      name,
      path: `${group}.${name}`,
      variables: [variableOf(group, name), ...setting.aliases],
    })),
  );
}
