/** Connections to Redis, however it is laid out: one server, a cluster, or a master under sentinels. */
import { Cluster, Redis, type Command, type RedisOptions as AnyRedisOptions } from 'ioredis';
import type { Logger } from '../observability/logger.js';

/** Replies come as they always did; the type of that option doesn't suit exact optional properties. */
type RedisOptions = Omit<AnyRedisOptions, 'replyMapping'>;

/** One server or a whole cluster: both know every command. */
export type RedisClient = Redis | Cluster;

/** Where Redis is. */
export interface RedisPlace {
  /** The server; of a cluster any node; with sentinels only user, password and TLS count. */
  readonly url: string;
  /** Default `single`. */
  readonly topology?: 'single' | 'cluster' | 'sentinel';
  /** `host:port` of more nodes of a cluster, or of the sentinels. */
  readonly nodes?: readonly string[];
  /** The name by which the sentinels know the master. */
  readonly sentinelMaster?: string;
}

export interface RedisClientOptions extends RedisPlace {
  /** After this long without a reply a command fails; the caller repeats it, since it may have run. */
  readonly commandTimeoutMs: number;
  /** Name shown by CLIENT LIST. */
  readonly name: string;
  /** How often the map of a cluster is asked for, beside every time that it proves wrong. */
  readonly slotsRefreshMs?: number;
}

/**
 * A connection whose failures are seen at once. ioredis would by default send a command again when
 * the connection died before its reply, which charges twice without the idempotency of the scripts;
 * with that off, 6.0.0 leaves the promise pending, so the command timeout settles it. Nothing is
 * queued while disconnected: a caller with a deadline repeats the call itself.
 */
export function createRedisClient(
  options: RedisClientOptions,
  dependencies: { readonly logger: Logger },
): RedisClient {
  const redis = createClient(options);
  tellFailures(redis, options.name, dependencies);
  return redis;
}

/** A connection is tried many times a second: what fails as before is told again after so long. */
const TELL_AGAIN_MS = 30_000;

/** Has the log say which server can't be reached, and when a connection is back. */
function tellFailures(
  redis: RedisClient,
  client: string,
  { logger }: { readonly logger: Logger },
): void {
  const toldAt = new Map<string, number>();
  const tell = (err: Error, node?: string): void => {
    const now = performance.now();
    const what = `${node ?? ''} ${err.message}`;
    const isNews = now - (toldAt.get(what) ?? -Infinity) >= TELL_AGAIN_MS;
    if (isNews) toldAt.set(what, now);
    const fields = { err, client, ...(node !== undefined && { node }) };
    logger[isNews ? 'warn' : 'debug'](fields, 'redis connection failed');
  };
  redis.on('error', (error: Error) => tell(error));
  redis.on('node error', (error: Error, node: string) => tell(error, node));
  redis.on('ready', () => {
    if (toldAt.size > 0) logger.info({ client }, 'redis connection is back');
    toldAt.clear();
  });
}

function createClient(options: RedisClientOptions): RedisClient {
  const { topology = 'single' } = options;
  const common = serverOptions(options);
  if (topology === 'cluster') return createCluster(options, common);
  if (topology === 'sentinel') {
    const redis = new BatchingRedis(sentinelOptions(options, common));
    redis.on('end', () => setTimeout(() => redis.connectUnlessClosed(), RECONNECT_DELAY_MS));
    return redis;
  }
  return new BatchingRedis(options.url, common);
}

/**
 * Writes what is sent in one turn of the event loop at once: Redis reads it together, and one fsync
 * of its serves all of it. Auto-pipelining, which is the client's own way to the same, takes a third
 * of the CPU of a call.
 */
class BatchingRedis extends Redis {
  #corked: typeof this.stream | null = null;
  #works: (() => void)[] = [];
  #isEnding = false;
  #isClosed = false;

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#isClosed = true;
    super.disconnect(reconnect);
  }

  /**
   * Under sentinels a connection may end that nobody has closed: ioredis 6.0.0 gives up when it hears
   * of a new master while it is asking for the master.
   */
  connectUnlessClosed(): void {
    // What fails is told as an error, and ends again.
    if (!this.#isClosed && this.status === 'end') this.connect().catch(() => undefined);
  }

  override sendCommand(command: Command, pipeline?: never): unknown {
    const { stream } = this;
    // Null and undefined before the first connection, whatever its type says.
    if ((stream as unknown) && stream !== this.#corked) {
      this.#corked?.uncork();
      this.#corked = stream;
      stream.cork();
      this.#endTurn();
    }
    return super.sendCommand(command, pipeline);
  }

  /** Has work done at the end of this turn of the event loop, in front of its being written. */
  atEndOfTurn(work: () => void): void {
    this.#works.push(work);
    this.#endTurn();
  }

  #endTurn(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    setImmediate(() => {
      for (const work of this.#works.splice(0)) work();
      this.#isEnding = false;
      const corked = this.#corked;
      this.#corked = null;
      corked?.uncork();
    });
  }
}

/**
 * Connects, be it by one of the client's own further tries: with ioredis 6.0.0 what `connect` of a
 * cluster promised never settles where the cluster is not ready at once, as when it is too busy to say
 * that it is. @throws the client's error, or one that says that it took too long
 */
export async function connected(
  redis: RedisClient,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let isReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  const late = new Promise<never>((_, reject) => {
    const reason = new Error(`it was not ready within ${timeoutMs} ms`);
    timer = setTimeout(() => reject(reason), timeoutMs);
  });
  redis.on('ready', isReady);
  try {
    await Promise.race([redis.connect(), ready, late]);
  } finally {
    redis.off('ready', isReady);
    clearTimeout(timer);
  }
}

/** Has work done at the end of this turn of the event loop; what it sends is written with the turn's. */
export function atEndOfTurn(redis: RedisClient, work: () => void): void {
  if (redis instanceof BatchingRedis) redis.atEndOfTurn(work);
  else setImmediate(work);
}

const RECONNECT_DELAY_MS = 100;

function serverOptions({ name, commandTimeoutMs }: RedisClientOptions): RedisOptions {
  return {
    connectionName: connectionName(name),
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandTimeoutMs,
    // A connection on which nothing comes any more is given up, so that the repeated call finds
    // another: without this every repetition would wait on the dead one.
    socketTimeout: commandTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    lazyConnect: true,
    noDelay: true,
    retryStrategy: reconnectDelayMs,
  };
}

/** Redis refuses a name with spaces, of which ioredis says nothing. */
function connectionName(name: string): string {
  return name.replaceAll(' ', '-');
}

function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * attempt, 1_000);
}

/**
 * The sentinels are asked at each connect. A master that was taken out of office and comes back as
 * a replica still has our connections: it answers READONLY, upon which we ask again.
 */
function sentinelOptions(options: RedisClientOptions, common: RedisOptions): RedisOptions {
  const { nodes = [], sentinelMaster = 'tolld' } = options;
  return {
    ...common,
    ...accessOf(options.url),
    sentinels: nodes.map(addressOf),
    name: sentinelMaster,
    sentinelRetryStrategy: reconnectDelayMs,
    // A sentinel that tells us of a new master before our connection has ended saves the wait.
    failoverDetector: true,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

const SLOTS_REFRESH_MS = 5_000;
const RETRY_DELAY_MS = 20;

/**
 * Each command goes by itself: while a slot moves, commands of one pipeline may have to go to
 * different nodes, and the client then fails all of them. What a node redirects (MOVED, ASK), what
 * meets a slot half moved (TRYAGAIN) and what was under way on a connection that ended is sent again
 * by the client, until the caller's time is up.
 */
function createCluster(options: RedisClientOptions, common: RedisOptions): Cluster {
  const { url, nodes = [], commandTimeoutMs, slotsRefreshMs = SLOTS_REFRESH_MS } = options;
  const { hostname, port } = new URL(url);
  const first = { host: unbracketed(hostname), port: Number(port || 6379) };
  const cluster = new Cluster([first, ...nodes.map(addressOf)], {
    redisOptions: { ...common, ...accessOf(url) },
    enableOfflineQueue: false,
    lazyConnect: true,
    slotsRefreshTimeout: commandTimeoutMs,
    retryDelayOnFailover: RETRY_DELAY_MS,
    retryDelayOnClusterDown: RETRY_DELAY_MS,
    retryDelayOnTryAgain: RETRY_DELAY_MS,
    clusterRetryStrategy: reconnectDelayMs,
  });
  refreshSlots(cluster, slotsRefreshMs);
  return cluster;
}

/**
 * Asks for the map of the slots again and again until the client ends. ioredis would do so itself,
 * but with 6.0.0 a client that is closed while it asks goes on asking for ever, and its process with it.
 */
function refreshSlots(cluster: Cluster, intervalMs: number): void {
  let timer: NodeJS.Timeout | undefined;
  cluster.on('ready', () => {
    timer ??= setInterval(() => {
      if (cluster.status === 'ready') cluster.refreshSlotsCache();
    }, intervalMs).unref();
  });
  cluster.on('end', () => clearInterval(timer));
}

/** What of a URL says how to be let in. */
function accessOf(url: string): RedisOptions {
  const { username, password, protocol } = new URL(url);
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return { host: unbracketed(text.slice(0, colon)), port: Number(text.slice(colon + 1)) };
}

function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** Whether keys may lie on several servers, each of which runs what it is sent when it likes. */
export function isCluster(redis: RedisClient): redis is Cluster {
  return redis instanceof Cluster;
}

/** Every server that holds data of its own: the one there is, or the masters of the cluster. */
export function mastersOf(redis: RedisClient): readonly Redis[] {
  return isCluster(redis) ? redis.nodes('master') : [redis];
}

/**
 * Another connection like this one, for commands that would hold it up. What it listens to must be
 * asked for again at each `ready`: ioredis would do so itself, but nobody hears of that failing, and an
 * unheard failure ends the process.
 */
export function duplicateOf(redis: RedisClient, name: string): RedisClient {
  if (!isCluster(redis)) {
    return redis.duplicate({
      connectionName: connectionName(name),
      lazyConnect: true,
      autoResubscribe: false,
    });
  }
  const cluster = redis.duplicate([], {
    redisOptions: { connectionName: connectionName(name) },
  });
  refreshSlots(cluster, SLOTS_REFRESH_MS);
  return cluster;
}
