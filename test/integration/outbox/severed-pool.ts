/**
 * A pool whose connection dies at a chosen statement, as it does when the process that flushes is
 * killed: before the statement leaves, or after it left and before its reply came.
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
  readonly when: 'before' | 'behind';
}

/** The first statement that matches is struck; all others go well. */
export function severPool(pool: pg.Pool, { at, when }: Stroke): SeveredPool {
  let severed = false;

  function sever(client: pg.PoolClient): void {
    (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
  }

  /** Runs a query of a client, or strikes. */
  function query(client: pg.PoolClient, args: readonly unknown[]): unknown {
    const strikes = !severed && describe(args[0]).startsWith(at);
    severed ||= strikes;
    if (strikes && when === 'before') sever(client);
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
