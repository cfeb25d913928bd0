/**
 * Simulated routers before two processes of the real front, credit control and scripts: what the
 * network does to datagrams changes nothing of what a session costs.
 */
import { describe, expect, it } from 'vitest';
import { readAccount } from '../../../src/charging/snapshot.js';
import { createRadiusSimulator } from '../../../src/local/radius-simulator/simulator.js';
import type {
  RadiusSimulatorOptions,
  SimulatedSubscriber,
} from '../../../src/local/radius-simulator/traffic.js';
import { testEngines } from '../../support/charging-engine.js';
import { HOME, ISP_SCOPE, ispProcess, openIsp, openSubscriber } from '../../support/isp.js';
import { startRadiusFront, TEST_SECRET, testNas } from '../../support/radius-front.js';

const engines = testEngines();
const MONEY = 100_000_000;
const METHODS = ['pap', 'chap', 'ms-chap2'] as const;
/** Fast enough for a 32-bit total to pass 2^32 every other report. */
const FAST = {
  ...HOME,
  speed: { uploadBitsPerSecond: 100_000_000, downloadBitsPerSecond: 1_000_000_000 },
};
const BAD = { loss: 0.2, duplication: 0.2, reordering: 0.2, holdMs: 15 };

const subscribers = Array.from({ length: 8 }, (_, index): SimulatedSubscriber => ({
  userName: `user${index}`,
  password: 'sekrit',
  station: `02:00:00:00:01:0${index}`,
  service: 'pppoe',
  method: METHODS[index % METHODS.length] ?? 'pap',
}));

/** What each subscriber paid, and used by its router's word, in one run. */
async function run(options: Partial<RadiusSimulatorOptions> & { readonly seed: number }) {
  const engine = await engines.fresh();
  await openIsp(engine, { plans: [FAST] });
  for (const { userName } of subscribers) {
    await openSubscriber(engine, { name: userName, money: MONEY });
  }
  const fronts = await Promise.all(
    [1, 2].map(async () => {
      const { access, accounting } = await ispProcess(engine);
      const clients = [testNas({ name: 'bng', networkScope: ISP_SCOPE })];
      return startRadiusFront({ clients }, { access, accounting });
    }),
  );
  const simulator = createRadiusSimulator({
    servers: fronts.map(({ authentication, accounting }) => ({
      address: '127.0.0.1',
      authenticationPort: authentication.port,
      accountingPort: accounting.port,
    })),
    secret: TEST_SECRET,
    nasIdentifier: 'bng',
    subscribers,
    sessions: 16,
    concurrent: 8,
    interims: { min: 2, max: 4 },
    downloadPerInterim: { min: 1_000_000, max: 3_000_000_000 },
    interimSeconds: 60,
    answerMs: 60,
    // A busy machine may be silent for seconds: nothing is given up.
    triesMax: 1_000,
    accountingTriesMax: 1_000,
    ...options,
  });
  const { tally, statistics } = await simulator.run();
  await Promise.all(fronts.map(({ server }) => server.close()));
  const paid: Record<string, number> = {};
  for (const { userName } of subscribers) {
    const [bucket] = (await readAccount(engine, 0, userName))?.buckets ?? [];
    // Where a Stop is lost the session is open still, with what it reserved.
    if (options.faults?.lostStop === undefined) expect(bucket?.reserved, userName).toBe(0);
    paid[userName] = MONEY * 1_000_000 - (bucket?.remaining ?? 0);
  }
  const used: Record<string, number> = {};
  for (const { userName, used: each } of tally) {
    // 1 EUR for 10 MB in steps of 10,000 octets: 1,000 micro-units a step, each session by itself.
    const steps = Math.ceil((each.uploadOctets + each.downloadOctets) / 10_000);
    used[userName] = (used[userName] ?? 0) + steps * 1_000;
  }
  return { paid, used, statistics, certain: tally.every(({ certain }) => certain) };
}

/** Routers and their faults; `exact` where all that was used can be known from what they say. */
interface Routers extends Pick<RadiusSimulatorOptions, 'faults' | 'concurrent'> {
  readonly words: string;
  readonly seed: number;
  readonly exact: boolean;
}

const ROUTERS: readonly Routers[] = [
  { words: '', seed: 7, exact: true },
  {
    words: ' from routers that wrap at 2^32, send old reports after the end and lose Class',
    seed: 7,
    exact: true,
    faults: { withoutGigawords: true, interimAfterStop: 0.5, classLost: 0.5 },
  },
  {
    words: ' from routers that send no Stop, or one without octets, and restart',
    seed: 2_222,
    exact: true,
    faults: { lostStop: 0.4, stopWithoutOctets: 0.4, rebootAfterSessions: 5 },
    // Which sessions a restart ends must not hang on the network.
    concurrent: 1,
  },
  {
    words: ' from old routers that count anew within a session and live in 2008',
    seed: 987_654,
    // A new count that is above the last one by its first report can't be told from growth.
    exact: false,
    faults: { countersRestart: 0.5, wrongClock: true, withoutMessageAuthenticator: true },
  },
];

describe('what sessions cost', () => {
  it.each(ROUTERS.map(({ words, ...routers }) => [words, routers] as const))(
    'is the same with a fifth of all datagrams lost, doubled and overtaken%s',
    { timeout: 60_000 },
    async (_words, { exact, ...routers }) => {
      const clean = await run(routers);
      for (const [name, used] of Object.entries(clean.used)) {
        if (exact) expect(clean.paid[name], `${name}, seed ${routers.seed}`).toBe(used);
        else expect(clean.paid[name], `${name}, seed ${routers.seed}`).toBeLessThanOrEqual(used);
      }
      const bad = await run({ ...routers, network: BAD });
      expect(bad.statistics.resent).toBeGreaterThan(10);
      expect(bad.used).toEqual(clean.used);
      expect(bad.paid).toEqual(clean.paid);
      expect(bad.certain).toBe(clean.certain);
    },
  );
});
