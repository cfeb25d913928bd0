/** What holds of every script: what it refuses, and that it does all of its work or none of it. */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import * as layout from '../../../src/charging/generated/layout.js';
import { pack, unpackBytes, type Packable } from '../../../src/charging/packing.js';
import { SCRIPT_NAMES, type ScriptName } from '../../../src/charging/script-loader.js';
import { createKeys } from '../../../src/charging/keys.js';
import { openEngine, testEngines } from '../../support/charging-engine.js';
import { startRedis } from '../../support/redis.js';
import { dumpOf } from '../../support/redis-dump.js';
import { callOnce } from '../../support/script-calls.js';

const engines = testEngines();
/** Of those that a move of the account goes through. */
const PARTITIONS = [0, 1];

/** Puts something else in the account's place, in both partitions. */
async function replaceAccount({ redis, keys }: Engine, fields: Packable | null): Promise<void> {
  for (const partition of PARTITIONS) {
    const name = keys.account(partition, 'a');
    await (fields === null ? redis.del(name) : redis.set(name, pack(fields)));
  }
}

async function replaceControl({ redis, keys }: Engine, control: string | null): Promise<void> {
  for (const partition of PARTITIONS) {
    const name = keys.control(partition);
    await (control === null ? redis.del(name) : redis.set(name, control));
  }
}

/** What an account leaves behind: its version, id, sequence, where it went, and its packed state. */
const left = (state: Packable): Packable => [layout.SCHEMA_VERSION, 'a', 1, 1, state];

/** The columns of the table, in its order. */
const SITUATIONS: readonly ((engine: Engine) => Promise<void>)[] = [
  async () => undefined,
  (engine) => replaceControl(engine, 'fenced:2'),
  (engine) => replaceControl(engine, null),
  async (engine) => {
    const packed = await engine.redis.getBuffer(engine.keys.account(0, 'a'));
    const fields = unpackBytes(packed ?? Buffer.alloc(0)) as Packable[];
    const newer = fields.with(layout.ACCOUNT_VERSION - 1, layout.SCHEMA_VERSION + 1);
    await replaceAccount(engine, newer);
  },
  (engine) => replaceAccount(engine, null),
  (engine) => replaceAccount(engine, left(Buffer.of(0x90))),
  (engine) => replaceAccount(engine, left(false)),
];

/** What a script replies; the account is newer, absent, sealed or moved on in the last four. */
const REPLIES = `
                as it is   fenced     emptied    newer        absent           sealed           gone
charge          DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
settle          DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
enquire         DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
credit          DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
provision       DONE       FENCED     FENCED     NEWER_STATE  DONE             MOVED            MOVED
sweep           DONE       FENCED     FENCED     NEWER_STATE  DONE             MOVED            DONE
purge           DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
snapshot        DONE       DONE       DONE       NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
restore         DONE       DONE       CONFLICT   DONE         DONE             DONE             DONE
fence           DONE       DONE       DONE       DONE         DONE             DONE             DONE
open            DONE       DONE       DONE       DONE         DONE             DONE             DONE
witness         DONE       DONE       DONE       DONE         DONE             DONE             DONE
steer           DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
claim           DONE       FENCED     FENCED     NEWER_STATE  REFUSED          NOT_DUE          REFUSED
conclude        DONE       FENCED     FENCED     NEWER_STATE  DONE             DONE             DONE
admit           DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
admit_unfailed  DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
report          DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
report_settled  DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
level           DONE       FENCED     FENCED     DONE         DONE             DONE             DONE
measure         DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  MOVED            MOVED
lease           DONE       DONE       DONE       DONE         DONE             DONE             DONE
release         DONE       DONE       DONE       DONE         DONE             DONE             DONE
move_out        DONE       FENCED     FENCED     NEWER_STATE  UNKNOWN_ACCOUNT  DONE             MOVED
move_lift       DONE       FENCED     FENCED     NEWER_STATE  REPEATED         REPEATED         REPEATED
move_lay        DONE       FENCED     FENCED     NEWER_STATE  DONE             NOT_DUE          DONE
move_in         DONE       FENCED     FENCED     NEWER_STATE  DONE             NOT_DUE          DONE
move_drop       DONE       FENCED     FENCED     NEWER_STATE  REPEATED         REPEATED         REPEATED
move_note       DONE       DONE       CONFLICT   DONE         DONE             DONE             DONE
`;

const WORDS = new Map(
  Object.entries(layout)
    .filter(([name]) => name.startsWith('REPLY_'))
    .map(([name, code]) => [code, name.slice('REPLY_'.length)]),
);
const [head = '', ...rows] = REPLIES.trim().split('\n');
const columns = head.trim().split(/ {2,}/);

describe('a script over state that it may not change', () => {
  it('is in the table', () => {
    expect(rows.map((row) => row.split(' ')[0])).toEqual(SCRIPT_NAMES);
  });

  it.each(rows.map((row) => row.split(/ +/)))('says so: %s', async (script = '', ...replies) => {
    for (const [index, situation] of SITUATIONS.entries()) {
      const engine = await engines.fresh();
      let before: unknown;
      let after: unknown;
      const { status } = await callOnce(engine, script as ScriptName, {
        before: async () => {
          await situation(engine);
          before = await dumpOf(engine);
        },
        after: async () => {
          after = await dumpOf(engine);
        },
      });
      const said = WORDS.get(status ?? -1);
      expect(said, `${script}, ${columns[index]}`).toBe(replies[index]);
      if (!['DONE', 'REFUSED'].includes(said ?? '')) expect(after).toEqual(before);
    }
  });
});

/** Puts a value of another type into a key, or bytes that no script wrote where they are packed. */
async function spoil({ redis }: Engine, key: string, how: 'type' | 'bytes'): Promise<boolean> {
  const type = await redis.type(key);
  if (how === 'type') {
    await redis.del(key);
    await (type === 'string' || type === 'none' ? redis.rpush(key, 'x') : redis.set(key, 'x'));
    return true;
  }
  if (!/:(account|access|session):/.test(key) || type === 'none') return false;
  if (type === 'string') await redis.set(key, '\xc1\xc1');
  else for (const field of await redis.hkeys(key)) await redis.hset(key, field, '\xc1\xc1');
  return true;
}

const STEERING_KEYS = ['steer (type)', 'tasks (type)'];
const LEFT_KEYS = ['access:a', 'session:s'].flatMap((key) => [`${key} (type)`, `${key} (bytes)`]);

/** Keys that a script may find spoilt without failing, with the reason. */
const UNTOUCHED: Readonly<Partial<Record<ScriptName, readonly string[]>>> = {
  // The timer it has stands early enough.
  charge: ['timers (type)'],
  settle: ['timers (type)'],
  // For a live session of RADIUS only.
  sweep: STEERING_KEYS,
  // Whoever asked opens the fields.
  snapshot: ['session:s (bytes)'],
  // That it is there says that somebody has failed.
  admit_unfailed: ['user:anna (type)'],
  // Whatever it holds says nothing.
  witness: ['waited (type)'],
  // Written anew by recovery, or by a move, whatever was there.
  restore: ['account:a', 'access:a', 'session:s'].flatMap((key) => [
    `${key} (type)`,
    `${key} (bytes)`,
  ]),
  move_lay: ['session:s (type)'],
  move_in: ['access:a (type)'],
  // An event is told only where one is to be told.
  claim: ['outbox (type)'],
  move_lift: ['outbox (type)', ...STEERING_KEYS],
  // Removed, whatever it is.
  move_drop: LEFT_KEYS,
  move_note: LEFT_KEYS,
};

describe('a script whose key holds something strange', () => {
  it.each([...SCRIPT_NAMES])('%s fails before it has changed anything', async (script) => {
    const passed: string[] = [];
    const keyCount = (await callOnce(await engines.fresh(), script)).keys.length;
    for (let place = 0; place < keyCount; place += 1) {
      for (const how of ['type', 'bytes'] as const) {
        const engine = await engines.fresh();
        let name = '';
        let isSpoilt = false;
        let before: unknown;
        let after: unknown;
        const { error, keys } = await callOnce(engine, script, {
          before: async (given) => {
            name = given[place] ?? '';
            isSpoilt = await spoil(engine, name, how);
            before = await dumpOf(engine);
          },
          after: async () => {
            after = await dumpOf(engine);
          },
        });
        expect(keys).toHaveLength(keyCount);
        if (!isSpoilt) continue;
        const kind = name.slice(engine.keys.meta.length - 'meta'.length).replace(/^\{\w+\}:/, '');
        if (error === null) passed.push(`${kind} (${how})`);
        else expect(after, `${script}, ${name}, ${how}: ${error.message}`).toEqual(before);
      }
    }
    expect(passed).toEqual(UNTOUCHED[script] ?? []);
  });
});

/** Those that Redis runs when memory is out: what reports, ends, moves on or only reads. */
const RUN_WITHOUT_MEMORY: readonly ScriptName[] = [
  ...(['settle', 'sweep', 'purge', 'report_settled', 'level', 'lease', 'release'] as const),
  ...(['claim', 'conclude', 'move_lift', 'move_lay', 'move_in', 'move_drop'] as const),
  'move_note',
  ...(['enquire', 'measure', 'snapshot', 'fence', 'open', 'witness'] as const),
];

describe('a script that is called when memory is out', () => {
  it('runs as a whole or is refused as a whole', { timeout: 60_000 }, async () => {
    const own = await startRedis();
    const first = await openEngine({ url: own.url });
    const ran: ScriptName[] = [];
    for (const script of SCRIPT_NAMES) {
      const engine = { ...first, keys: createKeys(`${first.keys.meta}:${script}`) };
      let before: unknown;
      let after: unknown;
      const { error } = await callOnce(engine, script, {
        before: async () => {
          before = await dumpOf(engine);
          // Less than an empty server needs.
          await engine.redis.config('SET', 'maxmemory', '100kb');
        },
        after: async () => {
          await engine.redis.config('SET', 'maxmemory', '0');
          after = await dumpOf(engine);
        },
      });
      if (error === null) {
        ran.push(script);
        continue;
      }
      expect(error.message, script).toMatch(/^OOM/);
      expect(after, script).toEqual(before);
    }
    expect(ran.toSorted()).toEqual(RUN_WITHOUT_MEMORY.toSorted());
  });
});
