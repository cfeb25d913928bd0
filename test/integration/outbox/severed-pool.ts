/**
 * A pool whose connection dies at a chosen statement, as it does when the process that flushes is
 * killed: before the statement leaves, after a part of it, or after it left and before its reply came.
 */
import type { Socket } from 'node:net';
import type pg from 'pg';

export interface SeveredPool {
  readonly pool: pg.Pool;
  /** Whether the connection died. */
  readonly severed: boolean;
}

export interface Stroke {
  /** Name of a prepared statement, or how the text begins. */
  readonly at: string;
  /** A number: behind so many of the writes to the socket that a series consists of. */
  readonly when: 'before' | 'behind' | number;
}

/** The first statement that matches is struck; all others go well. */
export function severPool(pool: pg.Pool, { at, when }: Stroke): SeveredPool {
  let severed = false;

  function sever(client: pg.PoolClient): void {
    connectionOf(client).stream.destroy();
  }

  /** Runs a query of a client, or strikes. */
  function query(client: pg.PoolClient, args: readonly unknown[]): unknown {
    const strikes = !severed && describe(args[0]).startsWith(at);
    severed ||= strikes;
    if (strikes && when === 'before') sever(client);
    if (strikes && typeof when === 'number') severBehind(client, when);
    const reply: unknown = Reflect.apply(client.query as () => unknown, client, args);
    // The statement is in the socket's buffer by now: Postgres may or may not run it.
    if (strikes && when === 'behind') setImmediate(() => sever(client));
    return reply;
  }

  async function connect(): Promise<pg.PoolClient> {
    const client = await pool.connect();
    return overriding(client, 'query', (...args) => query(client, args));
  }

  return {
    pool: overriding(pool, 'connect', connect),
    get severed() {
      return severed;
    },
  };
}

function connectionOf(client: pg.PoolClient): { stream: Socket } {
  return (client as unknown as { connection: { stream: Socket } }).connection;
}

/** Lets so many writes of what is sent next through, and no more. */
function severBehind(client: pg.PoolClient, writes: number): void {
  const connection = connectionOf(client);
  const { stream } = connection;
  let left = writes;
  const write = (chunk: unknown): boolean => {
    left -= 1;
    return left >= 0 ? stream.write(chunk as Buffer) : true;
  };
  const uncork = (): void => {
    connection.stream = stream;
    stream.uncork();
    stream.destroySoon();
  };
  const counting = overriding(stream, 'write', (chunk) => write(chunk));
  connection.stream = overriding(counting, 'uncork', uncork);
}

/** The object with one method replaced. */
function overriding<T extends object>(
  target: T,
  name: keyof T,
  method: (...args: readonly unknown[]) => unknown,
): T {
  return new Proxy(target, {
    get: (_, property) => {
      if (property === name) return method;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function describe(query: unknown): string {
  if (typeof query === 'string') return query;
  const { name, text } = query as { readonly name?: string; readonly text?: string };
  return name ?? text ?? '';
}
