/**
 * FreeRADIUS as people run it with a database: users and accounting in Postgres, by the queries and
 * the schema that come with it.
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { PostgresServer } from '../src/local/postgres-server.js';
import { startFreeradius, type Freeradius } from '../test/support/freeradius.js';
import { PASSWORD, userName } from './radius-requests.js';

const CONFIGURATION = '/etc/freeradius/3.0';
const QUERIES = `${CONFIGURATION}/mods-config/sql/main/postgresql`;
const DATABASE = 'freeradius';
/** As many connections as its threads: none waits for another. */
const CONNECTIONS = 32;

export interface FreeradiusSql {
  /** As its default site is with a database: a report is an UPDATE, a login is recorded. */
  readonly recording: Freeradius;
  /** The same database behind a server that records no login. */
  readonly unrecorded: Freeradius;
  readonly pool: pg.Pool;
  stop(): Promise<void>;
}

export async function startFreeradiusSql(
  postgres: PostgresServer,
  { users, secret }: { readonly users: number; readonly secret: string },
): Promise<FreeradiusSql> {
  await run(postgres.databaseUrl('postgres'), `CREATE DATABASE ${DATABASE}`);
  const url = postgres.databaseUrl(DATABASE);
  await run(url, readFileSync(`${QUERIES}/schema.sql`, 'utf8'));
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  // A server that stops ends idle connections: no fault of the pool's user.
  pool.on('error', () => undefined);
  await fill(pool, users);
  const shared = { configuration: '', modules: modulesFor(new URL(url)), secret };
  const recording = await startFreeradius({ ...shared, server: `${SERVER}${RECORDED_LOGINS}` });
  const unrecorded = await startFreeradius({ ...shared, server: SERVER });
  return {
    recording,
    unrecorded,
    pool,
    stop: async () => {
      await Promise.all([recording.stop(), unrecorded.stop()]);
      await pool.end();
    },
  };
}

/** A speed for each user, as a plan of ours gives it. */
async function fill(pool: pg.Pool, users: number): Promise<void> {
  const names = Array.from({ length: users }, (_, user) => userName(user));
  await pool.query(
    `INSERT INTO radcheck (username, attribute, op, value)
     SELECT name, 'Cleartext-Password', ':=', $2 FROM unnest($1::text[]) AS name`,
    [names, PASSWORD],
  );
  await pool.query(
    `INSERT INTO radreply (username, attribute, op, value)
     SELECT name, 'Mikrotik-Rate-Limit', ':=', '10M/50M' FROM unnest($1::text[]) AS name`,
    [names],
  );
  await pool.query('ANALYZE');
}

/** What its default site does with a login by password and with a report, its record apart. */
const SERVER = `
authorize {
  sql
  pap
}
authenticate {
  Auth-Type PAP {
    pap
  }
}
preacct {
  # As its policy acct_unique makes it: what its queries find a session by.
  update request {
    &Acct-Unique-Session-Id := "%{md5:%{User-Name},%{Acct-Session-ID},%{NAS-IP-Address},%{NAS-Identifier},%{NAS-Port-ID},%{NAS-Port}}"
  }
}
accounting {
  sql
}`;
/** An INSERT into radpostauth for each login, as its default site has it. */
const RECORDED_LOGINS = `
post-auth {
  sql
}`;

function modulesFor(url: URL): string {
  return `
expr {
}
pap {
}
sql {
  dialect = "postgresql"
  driver = "rlm_sql_postgresql"
  server = "${url.hostname}"
  port = ${url.port}
  login = "${decodeURIComponent(url.username)}"
  password = "${decodeURIComponent(url.password)}"
  radius_db = "${DATABASE}"
  acct_table1 = "radacct"
  acct_table2 = "radacct"
  postauth_table = "radpostauth"
  authcheck_table = "radcheck"
  groupcheck_table = "radgroupcheck"
  authreply_table = "radreply"
  groupreply_table = "radgroupreply"
  usergroup_table = "radusergroup"
  client_table = "nas"
  group_attribute = "SQL-Group"
  read_groups = yes
  delete_stale_sessions = yes
  pool {
    start = ${CONNECTIONS}
    min = ${CONNECTIONS}
    max = ${CONNECTIONS}
    spare = 0
    uses = 0
    lifetime = 0
    idle_timeout = 0
  }
  $INCLUDE ${QUERIES}/queries.conf
}`;
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
