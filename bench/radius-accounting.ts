/**
 * How many durable accounting requests and logins does tolld answer, against FreeRADIUS with its SQL
 * module on the same Postgres? `npm run bench -- radius-accounting [--requests N] [--logins N]
 * [--rounds N] [--slots N,…] [--users N] [--alone] [--cpu-profile DIRECTORY]
 * [--heap-profile DIRECTORY]`
 */
import { parseArgs } from 'node:util';
import { SLOTS_MAX } from './radius-load.js';
import { compareBooks, withRivals, type Rivals } from './radius-rivals.js';
import {
  compared,
  comparedAtBest,
  figuresOf,
  measureLogins,
  measureReports,
  roundLine,
  type Side,
} from './radius-rounds.js';

const SECRET = 'a secret of the measurement';

interface Settings {
  /** Reports of a round. */
  readonly requests: number;
  /** Fewer than reports: each is another session, and a user should not have dozens. */
  readonly logins: number;
  readonly rounds: number;
  /** How many requests are under way at a time: rounds of each number. */
  readonly slots: readonly number[];
  readonly users: number;
  /** Without FreeRADIUS: for a profile, or for a look at where the time goes. */
  readonly alone: boolean;
  /** Where Node leaves a CPU profile of each thread of tolld; null for none. */
  readonly cpuProfile: string | null;
  /** Where it leaves what its first thread allocated, by function; null for none. */
  readonly heapProfile: string | null;
}

function readSettings(args: readonly string[]): Settings {
  const number = (fallback: number) => ({ type: 'string', default: String(fallback) }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: number(19_200),
      logins: number(9_600),
      rounds: number(4),
      slots: { type: 'string', default: '64,256' },
      users: number(16_000),
      alone: { type: 'boolean', default: false },
      'cpu-profile': { type: 'string' },
      'heap-profile': { type: 'string' },
    },
  });
  const settings = {
    requests: Number(values.requests),
    logins: Number(values.logins),
    rounds: Number(values.rounds),
    slots: values.slots.split(',').map(Number),
    users: Number(values.users),
    alone: values.alone,
    cpuProfile: values['cpu-profile'] ?? null,
    heapProfile: values['heap-profile'] ?? null,
  };
  if (Math.max(...settings.slots) > SLOTS_MAX) throw new RangeError(`at most ${SLOTS_MAX} slots`);
  return settings;
}

export async function run(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  await withRivals({ ...settings, secret: SECRET }, (rivals) => measure(settings, rivals));
}

async function measure(settings: Settings, { ours, ourPool, theirs }: Rivals): Promise<void> {
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const slots of settings.slots) {
      const load = { ...settings, slots, secret: SECRET };
      const sides = theirs === null ? [ours] : [ours, theirs.recording];
      for (const side of sides) await measureReports(side, load);
      for (const side of sides) await measureLogins(side, load);
      if (theirs !== null) await measureLogins(theirs.unrecorded, load);
      const name = `round ${round + 1}, ${slots} at a time`;
      console.error(roundLine(name, ours, theirs?.recording ?? null));
    }
  }
  const sides = theirs === null ? [ours] : [ours, theirs.recording, theirs.unrecorded];
  const all = sides.flatMap(({ reports, logins }) => [...reports, ...logins]);
  const errors = all.reduce((sum, { unexpected }) => sum + unexpected, 0);
  const books = await compareBooks({ ours, ourPool, theirs });
  console.log(
    JSON.stringify({
      bench: 'radius-accounting',
      unit: 'durable accounting requests per second',
      ...(theirs === null ? figuresAlone(settings, ours) : figuresBeside(settings, ours, theirs)),
      resent: all.reduce((sum, { resent }) => sum + resent, 0),
      errors,
      books,
    }),
  );
  if (errors > 0 || books !== 'balanced') process.exitCode = 1;
}

function figuresAlone({ slots }: Settings, { reports, logins }: Side): object {
  const levels = slots.map((count) => ({
    slots: count,
    accounting: figuresOf(reports, count),
    authentication: figuresOf(logins, count),
  }));
  return { value: Math.max(...levels.map(({ accounting }) => accounting.perSecond)), levels };
}

function figuresBeside(
  { slots }: Settings,
  ours: Side,
  theirs: NonNullable<Rivals['theirs']>,
): object {
  const levels = slots.map((count) => ({
    slots: count,
    accounting: compared(ours.reports, theirs.recording.reports, count),
    authentication: compared(ours.logins, theirs.recording.logins, count),
    authenticationUnrecorded: compared(ours.logins, theirs.unrecorded.logins, count),
  }));
  return {
    ...comparedAtBest(levels.map(({ accounting }) => accounting)),
    authentication: comparedAtBest(levels.map(({ authentication }) => authentication)),
    levels,
  };
}
