/** `npm run chaos -- --kills N [--seed S]`: exits 0 only if everything balances. */
import { parseArgs } from 'node:util';
import { runChaos } from '../test/chaos/chaos.js';

const HELP = `npm run chaos -- [--kills N] [--seed S]

Starts Redis, Postgres, two fronts and a flusher of its own on loopback, puts them under load from the
Gy simulator, and kills parts of them with -9, alone and together, at random moments, or lets a server
stand still (SIGSTOP). In the end \`tolld verify\` must find nothing, and the record must hold to the
unit what the gateway counted.

  --kills N  how many blows (default 20)
  --seed S   the same number, the same blows (default: by the clock)
  --help     this text

Exit codes: 0 everything balances, 1 something does not, 2 wrong arguments.`;

async function main(): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        kills: { type: 'string', default: '20' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (!/^[1-9]\d{0,4}$/.test(values.kills) || !/^\d{1,9}$/.test(values.seed)) {
    console.error(HELP);
    return 2;
  }
  const startedAt = Date.now();
  const onStep = (line: string): void =>
    console.log(`${String(Math.round((Date.now() - startedAt) / 1_000)).padStart(5)} s  ${line}`);
  const report = await runChaos({ kills: Number(values.kills), seed: Number(values.seed), onStep });
  const { kills, sessions, requests, sentAgain, faults } = report;
  for (const fault of faults) console.log(`FAULT  ${fault}`);
  console.log(
    `${kills} blows, ${sessions} sessions, ${requests} requests, ${sentAgain} sent again, ` +
      `seed ${values.seed}: ${faults.length === 0 ? 'everything balances' : 'DOES NOT BALANCE'}`,
  );
  return faults.length === 0 ? 0 : 1;
}

process.exitCode = await main();
