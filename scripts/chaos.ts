/** `npm run chaos -- --kills N [--seed S]`: exits 0 only if everything balances. */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FAMILIES, type Family } from '../test/chaos/blows.js';
import { runChaos } from '../test/chaos/chaos.js';
import { TOPOLOGIES } from '../test/chaos/redis-group.js';
import { buildProgram } from '../test/support/built-program.js';
import { makeScratchDirectory } from '../test/support/scratch-directory.js';

const HELP = `npm run chaos -- [--kills N] [--seed S] [--only FAMILY] [--topology T]

Starts Redis, Postgres, two fronts and a flusher of its own on loopback, puts them under load from two
simulated gateways and a simulated router, and breaks them at random moments. After each blow and in the
end \`tolld verify\` must find nothing, and in the end the record must hold to the unit and to the
millionth what gateways and router counted.

  --kills N      how many blows (default 20)
  --seed S       the same number, the same blows (default: by the clock)
  --only FAMILY  blows of this family alone; several times for several:
                 kill   kill -9 of Redis, Postgres, fronts and flusher, alone and together
                 pause  a process stands still (SIGSTOP), keeping its connections
                 cut    connections reset after answers were lost
                 slow   a network that delays or hangs
                 disk   a full disk under Redis or Postgres (as root: it mounts small ones)
                 clock  the clock of a process jumps (needs a C compiler)
                 failover, move  a master of Redis dies for good, partitions move to other masters
  --topology T   how Redis is laid out: single (default), sentinel, cluster
  --help         this text

Exit codes: 0 everything balances, 1 something does not, 2 wrong arguments.`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      topology: { type: 'string', default: 'single' },
      only: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (!/^[1-9]\d{0,4}$/.test(values.kills)) throw new TypeError('--kills wants a number');
  if (!/^\d{1,9}$/.test(values.seed)) throw new TypeError('--seed wants a number');
  const only = values.only.map((word): Family => {
    const family = FAMILIES.find((known) => known === word);
    if (family === undefined) throw new TypeError(`there is no family ${word}`);
    return family;
  });
  const topology = TOPOLOGIES.find((known) => known === values.topology);
  if (topology === undefined) throw new TypeError(`there is no topology ${values.topology}`);
  const { kills, seed, help } = values;
  return { kills: Number(kills), seed: Number(seed), only, topology, help };
}

async function main(): Promise<number> {
  let given;
  try {
    given = readArguments();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (given.help) {
    console.log(HELP);
    return 0;
  }
  const { kills, seed, only, topology } = given;
  // What an interrupted run has mounted goes when the process exits; Ctrl-C may come twice.
  process.on('SIGINT', () => process.exit(130));
  const startedAt = Date.now();
  const onStep = (line: string): void =>
    console.log(`${String(Math.round((Date.now() - startedAt) / 1_000)).padStart(5)} s  ${line}`);
  const directory = makeScratchDirectory('program');
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const program = await buildProgram(directory);
  const report = await runChaos({
    ...{ program, kills, seed, topology, onStep },
    ...(only.length > 0 && { only }),
  });
  for (const fault of report.faults) console.log(`FAULT  ${fault}`);
  const byFamily = Object.entries(report.blows).map(([family, count]) => `${count} ${family}`);
  console.log(
    `${kills} blows (${byFamily.join(', ')}), ${report.sessions} sessions, ` +
      `${report.requests} requests answered, ${report.sentAgain} sent again, ` +
      `${report.topUps} top-ups, ${report.faults.length} differences, seed ${seed}: ` +
      (report.faults.length === 0 ? 'everything balances' : 'DOES NOT BALANCE'),
  );
  return report.faults.length === 0 ? 0 : 1;
}

process.exitCode = await main();
