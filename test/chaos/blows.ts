/** What happens to an installation at one moment, chosen at random from families. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomSource } from '../support/random-source.js';
import { PARTS, type Installation, type Part } from './installation.js';

export interface Blow {
  readonly family: Family;
  /** In words, for whoever watches. */
  readonly what: string;
  /** Strikes, and resolves when everything that it ended or filled is back. */
  strike(installation: Installation): Promise<void>;
}

export const FAMILIES = [
  'kill',
  'pause',
  'cut',
  'slow',
  'disk',
  'clock',
  'failover',
  'move',
] as const;
export type Family = (typeof FAMILIES)[number];

type Choice = Omit<Blow, 'family'>;
type Chooser = (source: RandomSource, installation: Installation) => Choice;

/** Longer than commands and leases live, shorter than gateways wait. */
const PAUSE_MS = { least: 200, most: 4_000 };
/** Less than a grant's validity time, beyond which sessions count as silent. */
const CLOCK_SECONDS_MOST = 500;
/** How often a full disk is made to matter: Postgres needs a new piece of its log. */
const LOG_SWITCHES = 4;
/** Redis answers the first write that its full disk refuses by its end. */
const REDIS_ENDS_MS = 20_000;

const CHOICES: Readonly<Record<Family, Chooser>> = {
  kill: killed,
  pause: paused,
  cut,
  slow: slowed,
  disk: diskFull,
  clock: clockSet,
  failover: failedOver,
  move: moved,
};

/** Families that this installation can be struck by. */
export function familiesOf(installation: Installation): readonly Family[] {
  const { disks, clocks, redisGroup } = installation;
  const isPossible: Readonly<Partial<Record<Family, boolean>>> = {
    disk: disks.size > 0,
    clock: clocks.size > 0,
    failover: redisGroup !== null,
    move: redisGroup !== null && redisGroup.movePartition !== null,
  };
  return FAMILIES.filter((family) => isPossible[family] ?? true);
}

/** So many blows: first each part killed alone and each other family once, then whatever comes. */
export function chooseBlows(
  count: number,
  families: readonly Family[],
  { source, installation }: { readonly source: RandomSource; readonly installation: Installation },
): readonly Blow[] {
  const ofFamily = (family: Family): Blow => ({
    family,
    ...CHOICES[family](source, installation),
  });
  const first = families.flatMap((family) =>
    family === 'kill'
      ? PARTS.map((part): Blow => ({ family, ...killOf([part], source) }))
      : [ofFamily(family)],
  );
  return Array.from(
    { length: count },
    (_, index) => first[index] ?? ofFamily(oneOf(families, source)),
  );
}

function oneOf<Item>(items: readonly Item[], source: RandomSource): Item {
  const item = items[source.integer(items.length)];
  if (item === undefined) throw new RangeError('there is nothing to choose from');
  return item;
}

function between({ least, most }: { readonly least: number; readonly most: number }) {
  return (source: RandomSource): number => least + source.integer(most - least);
}

function killed(source: RandomSource): Choice {
  const together = PARTS.filter(() => source.integer(3) === 0);
  return killOf(together.length > 0 ? together : [oneOf(PARTS, source)], source);
}

function killOf(parts: readonly Part[], source: RandomSource): Choice {
  const downMs = source.integer(1_500);
  return {
    what: `kill -9 of ${parts.join(', ')}, back after ${downMs} ms`,
    strike: async (installation) => {
      await installation.kill(parts);
      await sleep(downMs);
      await installation.restart(parts);
    },
  };
}

function paused(source: RandomSource): Choice {
  const part = oneOf(PARTS, source);
  const ms = between(PAUSE_MS)(source);
  return {
    what: `${part} stands still for ${ms} ms`,
    strike: ({ pause }) => pause(part, ms),
  };
}

function cut(source: RandomSource, { wires: of }: Installation): Choice {
  const parts = [...of.keys()].filter(() => source.integer(3) === 0);
  const chosen = parts.length > 0 ? parts : [oneOf([...of.keys()], source)];
  const losingMs = source.integer(3) === 0 ? 0 : source.integer(1_000);
  const times = 1 + source.integer(3);
  return {
    what:
      `connections to ${chosen.join(', ')} cut ${times} times, ` +
      `each after ${losingMs} ms of lost answers`,
    strike: async ({ wires }) => {
      for (let time = 0; time < times; time += 1) {
        await Promise.all(chosen.map(async (part) => wires.get(part)?.cut(losingMs)));
        await sleep(100);
      }
    },
  };
}

function slowed(source: RandomSource, installation: Installation): Choice {
  const part = oneOf([...installation.wires.keys()], source);
  const hangs = source.integer(3) === 0;
  const ms = between(PAUSE_MS)(source);
  const delayMs = 5 + source.integer(part === 'redis' ? 200 : 400);
  return {
    what: hangs
      ? `the network to ${part} hangs for ${ms} ms`
      : `the network to ${part} takes ${delayMs} ms more each way, for ${ms} ms`,
    strike: async ({ wires }) => {
      const wire = wires.get(part);
      if (hangs) wire?.hold(ms);
      else wire?.delay(delayMs);
      await sleep(ms);
      wire?.delay(0);
    },
  };
}

function diskFull(source: RandomSource, { disks }: Installation): Choice {
  if (oneOf([...disks.keys()], source) === 'redis') {
    return { what: 'the disk of redis is full until it ends', strike: fillRedis };
  }
  const ms = between(PAUSE_MS)(source);
  return {
    what: `the disk of postgres is full for ${ms} ms`,
    strike: (installation) => fillPostgres(installation, ms),
  };
}

async function fillRedis(installation: Installation): Promise<void> {
  const disk = installation.disks.get('redis');
  await disk?.fill();
  await installation.untilFallen('redis', REDIS_ENDS_MS);
  await disk?.free();
  if (!installation.fallen().includes('redis')) throw new Error('redis outlived a full disk');
  await revive(installation, ['redis']);
}

async function fillPostgres(installation: Installation, ms: number): Promise<void> {
  const disk = installation.disks.get('postgres');
  await disk?.fill();
  for (let time = 0; time < LOG_SWITCHES; time += 1) {
    await installation.switchLog();
    await sleep(ms / LOG_SWITCHES);
  }
  await disk?.free();
  await revive(installation, ['postgres']);
}

/** Starts what a full disk has ended. */
async function revive(installation: Installation, parts: readonly Part[]): Promise<void> {
  await installation.restart(installation.fallen().filter((part) => parts.includes(part)));
}

function clockSet(source: RandomSource, installation: Installation): Choice {
  const part = oneOf([...installation.clocks.keys()], source);
  const seconds = source.integer(2 * CLOCK_SECONDS_MOST) - CLOCK_SECONDS_MOST;
  return {
    what: `the clock of ${part} is set to ${seconds} s beside the machine's`,
    strike: async ({ clocks }) => clocks.get(part)?.set(seconds),
  };
}

function failedOver(): Choice {
  return {
    what: 'kill -9 of a master of redis, back when another server has taken its place',
    strike: async ({ redisGroup }) => {
      const master = await redisGroup?.master();
      if (master === undefined) return;
      await master.kill();
      await redisGroup?.untilReplaced(master);
      await master.start();
      await redisGroup?.untilWhole();
    },
  };
}

function moved(source: RandomSource): Choice {
  const partition = source.integer(8);
  const count = 1 + source.integer(3);
  return {
    what: `${count} partitions from ${partition} on move to other masters, one after the other`,
    strike: async ({ redisGroup }) => {
      for (let moving = partition; moving < partition + count; moving += 1) {
        await redisGroup?.movePartition?.(moving);
      }
    },
  };
}
