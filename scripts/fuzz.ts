/**
 * `npm run fuzz -- --minutes N`: the fuzz tests of both fronts, with new seeds round after round and
 * many more cases than in `npm test`, in a heap that unbounded memory would burst.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { processEnvironment } from '../src/config.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const VITEST = path.join(ROOT, 'node_modules', '.bin', 'vitest');
const FRONTS = ['diameter', 'radius'] as const;
/** A round takes about two minutes on two cores. */
const FACTOR = 20;
const HEAP_MAX_MB = 512;

const USAGE = `usage: npm run fuzz -- [--minutes N] [--front diameter|radius]

  --minutes N   how long, at least; a round is finished  (default 10)
  --front F     one front only                           (default both)

Each round prints its seed where it fails. Exit code: 0 nothing found, 1 a fault, 2 usage.`;

interface Soak {
  readonly minutes: number;
  readonly fronts: readonly string[];
}

/** What the command line asks for; null where it can't be understood or asks for help. */
function readCommandLine(args: readonly string[]): Soak | null {
  const options = {
    minutes: { type: 'string', default: '10' },
    front: { type: 'string' },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const minutes = Number(values.minutes);
    const fronts = FRONTS.filter((front) => (values.front ?? front) === front);
    if (values.help || !(minutes > 0) || fronts.length === 0) return null;
    return { minutes, fronts };
  } catch {
    return null;
  }
}

function runRound(fronts: readonly string[]): Promise<boolean> {
  const files = fronts.map((front) => `test/unit/${front}/fuzz.test.ts`);
  const child = spawn(VITEST, ['run', '--project', 'unit', ...files], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...processEnvironment(),
      TOLLD_TEST_FUZZ_FACTOR: String(FACTOR),
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MAX_MB}`,
    },
  });
  return new Promise((resolve) => child.once('close', (code) => resolve(code === 0)));
}

async function soak({ minutes, fronts }: Soak): Promise<boolean> {
  const startedMs = Date.now();
  const passedMinutes = (): number => (Date.now() - startedMs) / 60_000;
  let round = 0;
  do {
    round += 1;
    if (!(await runRound(fronts))) {
      console.error(`round ${round}: a fault; the title or message above holds the seed`);
      return false;
    }
    console.log(
      `round ${round}: nothing found, ${passedMinutes().toFixed(1)} of ${minutes} minutes`,
    );
  } while (passedMinutes() < minutes);
  return true;
}

const args = process.argv.slice(2);
const asked = readCommandLine(args);
if (asked === null) {
  console.log(USAGE);
  process.exitCode = args.includes('--help') ? 0 : 2;
} else if (!(await soak(asked))) process.exitCode = 1;
