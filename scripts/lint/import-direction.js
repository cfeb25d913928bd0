/**
 * The table of who may import whom, as a lint rule. A folder of `src/` that is not listed here is
 * refused until it has a row, so that the table stays the map of the system.
 */
import path from 'node:path';

/** Built-in modules that compute without touching anything outside the process. */
const PURE_BUILTINS = [
  'node:assert',
  'node:assert/strict',
  'node:buffer',
  'node:crypto',
  'node:util',
];
const EVENTS_AND_TIMERS = ['node:events', 'node:timers', 'node:timers/promises', 'node:perf_hooks'];

/**
 * folder: what it may import of `src/` (a folder, or one file of it), which packages and which
 * built-ins ('any' for no limit), and what to do instead of reaching further.
 */
const TABLE = {
  domain: {
    folders: [],
    packages: [],
    builtins: ['node:assert', 'node:assert/strict'],
    instead: 'domain holds words, not work: move what needs more to the folder that needs it',
  },
  observability: {
    folders: [],
    packages: ['pino', 'prom-client'],
    builtins: 'any',
    instead: 'take what you need as a parameter; each folder declares its own metrics',
  },
  rating: {
    folders: ['domain'],
    packages: ['luxon'],
    builtins: PURE_BUILTINS,
    instead: 'rating is pure: take compiled tariffs and the time as parameters',
  },
  diameter: {
    folders: ['domain', 'observability'],
    packages: [],
    builtins: 'any',
    instead:
      'take a CreditControlHandler (domain/credit-control.ts) as a dependency; node.ts joins them',
  },
  radius: {
    folders: ['domain', 'observability'],
    packages: [],
    builtins: 'any',
    instead:
      'take a CreditControlHandler (domain/credit-control.ts) as a dependency; node.ts joins them',
  },
  'credit-control': {
    folders: ['domain', 'observability', 'rating', 'charging', 'secret-box.ts'],
    packages: [],
    builtins: [...PURE_BUILTINS, ...EVENTS_AND_TIMERS],
    instead: 'reach Redis through charging; the fronts call you, never the other way round',
  },
  steering: {
    folders: ['domain', 'observability', 'charging'],
    packages: [],
    builtins: [...PURE_BUILTINS, ...EVENTS_AND_TIMERS],
    instead: 'take a SteeringSender (domain/steering.ts) as a dependency; node.ts joins them',
  },
  charging: {
    folders: ['domain', 'observability'],
    packages: ['ioredis'],
    builtins: 'any',
    instead: 'take rates and requests as arguments of the script function',
  },
  outbox: {
    folders: ['domain', 'observability', 'charging/event-codec', 'charging/stream'],
    packages: [],
    builtins: [...PURE_BUILTINS, ...EVENTS_AND_TIMERS],
    instead: 'read the streams through charging/stream.ts and take the sink as a dependency',
  },
  records: {
    folders: ['domain', 'observability', 'schema'],
    packages: ['pg', 'drizzle-orm'],
    builtins: 'any',
    instead: 'records knows Postgres only: take events as domain/events.ts has them',
  },
  recovery: {
    folders: ['domain', 'observability', 'charging', 'outbox', 'records'],
    packages: ['pg'],
    builtins: EVENTS_AND_TIMERS,
    instead: 'recovery compares what charging and records read; let them reach Redis and Postgres',
  },
  management: {
    folders: [
      'domain',
      'observability',
      'schema',
      'rating',
      'charging/provisioning',
      'secret-box.ts',
    ],
    packages: ['pg', 'drizzle-orm', 'zod', 'yaml', 'luxon'],
    builtins: 'any',
    instead: 'change what is in Redis by an intent and charging/provisioning.ts',
  },
  schema: {
    folders: ['domain'],
    packages: ['drizzle-orm'],
    builtins: [],
    instead: 'tables are declarations: queries belong to records and management',
  },
  'secret-box.ts': {
    folders: ['domain'],
    packages: [],
    builtins: ['node:crypto'],
    instead: 'a box knows no secret of its own: it is given keys',
  },
  'setting-kind.ts': {
    folders: [],
    packages: ['zod'],
    builtins: [],
    instead: 'a kind of setting knows no setting',
  },
  'settings.ts': {
    folders: ['domain', 'observability', 'setting-kind.ts'],
    packages: [],
    builtins: [],
    instead: 'settings are declarations: what acts on them takes them as options',
  },
  'config.ts': {
    folders: ['settings.ts'],
    packages: ['yaml'],
    builtins: ['node:fs'],
    instead: 'config.ts reads settings and knows nothing of who uses them',
  },
  'tls-files.ts': {
    folders: ['domain'],
    packages: [],
    builtins: ['node:fs', 'node:tls'],
    instead: 'tls-files.ts knows no front: node.ts hands on what it reads',
  },
  api: {
    folders: ['domain', 'observability', 'records', 'management'],
    packages: ['zod'],
    builtins: 'any',
    instead: 'put the query or command into management and call that',
  },
};

/** Places that join everything. */
const UNLIMITED = new Set([
  'local',
  'cli',
  'threads',
  'node.ts',
  'stores.ts',
  'diameter-front.ts',
  'radius-front.ts',
  'main.ts',
]);
/** May be imported only by the places above: the daemon's folders take options instead. */
const CONFIG_RULE =
  'take the settings you need as an options object; node.ts passes them from config.ts';

/** `src/diameter/peer.ts` -> `diameter`; `src/node.ts` -> `node.ts`; `schema/x.ts` -> `schema`. */
function roomOf(relativePath) {
  const parts = relativePath.split('/');
  return parts[0] === 'src' ? parts[1] : parts[0];
}

function describe(row) {
  return row.folders.length === 0 ? 'no other folder' : row.folders.join(', ');
}

/** Why `source` may not be imported from `fromPath` (both relative to the root), or null. */
function faultOf({ root, filename, source }) {
  const from = path.relative(root, filename).split(path.sep).join('/');
  if (!from.startsWith('src/') && !from.startsWith('schema/')) return null;
  const room = roomOf(from);
  if (UNLIMITED.has(room)) return null;
  const row = TABLE[room];
  if (row === undefined)
    return `src/${room} has no row in scripts/lint/import-direction.js: add one`;

  if (source.startsWith('.')) {
    const target = path
      .relative(root, path.resolve(path.dirname(filename), source))
      .split(path.sep)
      .join('/');
    const targetRoom = roomOf(target);
    if (targetRoom === room) return null;
    if (targetRoom === 'config.js' || (targetRoom === 'settings.js' && room !== 'config.ts')) {
      return `${room} must not import config.ts: ${CONFIG_RULE}`;
    }
    const file = target.replace(/^src\//, '').replace(/\.[jt]s$/, '');
    const allowed = row.folders.some((folder) => [targetRoom, file, `${file}.ts`].includes(folder));
    if (allowed) return null;
    return `${room} may import ${describe(row)}, not ${file}: ${row.instead}`;
  }
  if (source.startsWith('node:')) {
    if (row.builtins === 'any' || row.builtins.includes(source)) return null;
    return `${room} touches nothing outside the process, so not ${source}: ${row.instead}`;
  }
  const name = source
    .split('/')
    .slice(0, source.startsWith('@') ? 2 : 1)
    .join('/');
  if (row.packages.includes(name)) return null;
  const packages = row.packages.length === 0 ? 'no package' : `only ${row.packages.join(', ')}`;
  return `${room} may use ${packages}, not ${name}: ${row.instead}`;
}

export const importDirection = {
  meta: {
    type: 'problem',
    docs: { description: 'hold the direction of imports between folders' },
    schema: [],
    messages: { wrongWay: '{{fault}}' },
  },
  create(context) {
    function check(node) {
      if (typeof node.source?.value !== 'string') return;
      const fault = faultOf({
        root: context.cwd,
        filename: context.filename,
        source: node.source.value,
      });
      if (fault !== null) context.report({ node, messageId: 'wrongWay', data: { fault } });
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};
