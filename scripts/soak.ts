/**
 * `npm run soak -- --minutes N`: random runs against the real scripts and the model, side by side,
 * for as long as one likes. Each round has a seed of its own, so that what one finds can be had again.
 */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { runRound, seedsFrom } from '../test/model/campaign.js';
import { openEmptySubjects } from '../test/support/empty-subjects.js';

/** Rounds that share one server, whose memory would fill up otherwise. */
const ROUNDS_A_SERVER = 50;
const PROGRESS_MS = 10_000;

interface Options {
  readonly minutes: number;
  readonly seed?: number;
  readonly rounds?: number;
  readonly lanes: number;
  readonly goOn: boolean;
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('not a number above 0');
  return number;
}

function seedOf(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number >= 2 ** 32) {
    throw new InvalidArgumentError('not a whole number from 0 to 2^32 - 1');
  }
  return number;
}

function readOptions(): Options {
  return new Command('npm run soak --')
    .description(
      'Random charging commands against the real scripts and the model, side by side: every ' +
        'answer, balance and event compared, the invariants audited after each step.',
    )
    .option('--minutes <n>', 'how long', positive, 5)
    .option(
      '--seed <s>',
      'where the first round begins; default: anywhere',
      seedOf,
      randomInt(2 ** 32),
    )
    .option('--rounds <n>', 'at most so many rounds of 100 runs', positive)
    .option('--lanes <n>', 'rounds at once', positive, 3)
    .option('--go-on', 'go on after a failure', false)
    .addHelpText('after', '\nEnds with 0 when everything agreed, with 1 when something did not.')
    .parse()
    .opts<Options>();
}

async function soak(options: Options): Promise<number> {
  const endsAt = performance.now() + options.minutes * 60_000;
  const startedAt = performance.now();
  const first = options.seed ?? randomInt(2 ** 32);
  const seeds = seedsFrom(first);
  let [begun, commands, calls, failures] = [0, 0, 0, 0];
  const tell = (): void => {
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(
      `${seconds.toFixed(0).padStart(5)} s  ${begun} rounds  ${commands} commands  ` +
        `${calls} calls  ${(calls / seconds).toFixed(0)} calls/s  ${failures} failed`,
    );
  };
  const isOver = (): boolean =>
    performance.now() >= endsAt ||
    begun >= (options.rounds ?? Infinity) ||
    (failures > 0 && !options.goOn);
  const progress = setInterval(tell, PROGRESS_MS);
  console.log(`seed ${first}`);
  while (!isOver()) {
    const subjects = await openEmptySubjects();
    const last = begun + ROUNDS_A_SERVER;
    const work = async (): Promise<void> => {
      while (!isOver() && begun < last) {
        begun += 1;
        const seed = seeds.next().value;
        const result = await runRound({ seed }, { subject: () => subjects.fresh() });
        commands += result.commands;
        calls += result.calls;
        if (result.failure === null) continue;
        failures += 1;
        console.error(`\nround of seed ${seed} failed\n${result.failure}\n`);
      }
    };
    await Promise.all(Array.from({ length: options.lanes }, work));
    await subjects.close();
  }
  clearInterval(progress);
  tell();
  return failures > 0 ? 1 : 0;
}

process.exitCode = await soak(readOptions());
