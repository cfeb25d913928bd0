/** The RADIUS session that `npm start` shows, and the proof it makes of it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.js';
import { awaitRecord, proveBooks, watchRatedEvents } from '../../../src/local/demo.js';
import { createDemoHome, proveHome } from '../../../src/local/demo-home.js';
import { createLogger } from '../../../src/observability/logger.js';
import { runTolld, startDaemon } from '../../support/daemon.js';
import { environmentOf } from '../../support/demo-installation.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const SEED = Date.now() % 1_000_000;
const SECRETS = /change-me|a key for this test alone/;
const redis = testRedis();
const database = testDatabase();
const servers = { redisUrl: redis.url, keyPrefix: redis.prefix, postgresUrl: database.url };
const environment = {
  ...environmentOf(servers),
  TOLLD_SECRETS_KEYS: 'a key for this test alone',
};
const { config } = loadConfig({ environment });

let ports: { readonly authenticationPort: number; readonly accountingPort: number };

beforeAll(async () => {
  for (const file of ['examples/operator.yaml', 'examples/operator-radius.yaml']) {
    expect(await runTolld(['load', file], { environment })).toMatchObject({ exitCode: 0 });
  }
  const { log } = await startDaemon({
    ...servers,
    settings: {
      secrets: { keys: config.secrets.keys },
      radius: {
        enabled: true,
        listenHost: '127.0.0.1',
        authenticationPort: 0,
        accountingPort: 0,
      },
    },
  });
  const ready = log.find(({ msg }) => msg === 'ready') as unknown as {
    readonly radius: Readonly<
      Record<'authentication' | 'accounting', readonly { readonly port: number }[]>
    >;
  };
  ports = {
    authenticationPort: ready.radius.authentication[0]?.port ?? 0,
    accountingPort: ready.radius.accounting[0]?.port ?? 0,
  };
}, 60_000);

function openHome(seed: number, server: Partial<typeof ports> = {}) {
  const printed: string[] = [];
  const dependencies = {
    logger: createLogger({ level: 'silent' }),
    print: (line: string) => printed.push(line),
  };
  const home = createDemoHome(
    { server: { address: '127.0.0.1', ...ports, ...server }, interims: 1, thinkMs: 0, seed },
    dependencies,
  );
  return { home, printed, dependencies };
}

describe(`the demo's home (seed ${SEED})`, () => {
  test('is shown from its login to the books, once and again, without a secret', async () => {
    for (const seed of [SEED, SEED + 1]) {
      const { home, printed, dependencies } = openHome(seed);
      const stopWatching = await watchRatedEvents(config, dependencies);
      const session = await home.play();
      await awaitRecord(config, dependencies);
      await stopWatching();
      await proveHome(config, session, dependencies);
      await proveBooks(config, dependencies);
      const text = printed.join('\n');
      expect(text).toMatch(
        /pppoe erin@demo\.example \(chap.*\n.*login +-> {2}Access-Accept.*\n.*start +-> {2}Acc[^]*interim +-> {2}Acc[^]*stop +-> {2}Acc/,
      );
      expect(text).toMatch(/in Postgres {2}erin #\d+: used [\d,]+ octets, cost 0\.\d+ EUR/);
      expect(text).toMatch(/Every octet that the router counted .* once, for 0\.\d+ EUR/);
      expect(text).toContain('The books balance');
      expect(text).not.toMatch(SECRETS);
    }
  });

  test('is refused by the proof where units or cost are other than the router counted', async () => {
    const { home, dependencies } = openHome(SEED + 2);
    const { startedAt, tally } = await home.play();
    await awaitRecord(config, dependencies);
    const { reported } = tally;
    const more = {
      ...reported,
      downloadOctets: reported.downloadOctets + 1_000_000,
    };
    await expect(
      proveHome(config, { startedAt, tally: { ...tally, reported: more } }, dependencies),
    ).rejects.toThrow(/octets are \d+, the router counted \d+[^]*cost is \d+, the router's/);
    await expect(
      proveHome(config, { startedAt: new Date(Date.now() + 60_000), tally }, dependencies),
    ).rejects.toThrow(/octets are 0/);
  });

  test('says so where the session could not be played', async () => {
    const { home, printed } = openHome(SEED + 3, { authenticationPort: ports.accountingPort });
    await expect(home.play()).rejects.toMatchObject({ code: 'TOLLD_DEMO_SESSION' });
    expect(printed.join('\n')).toMatch(/login +-> {2}no answer/);
  });
});
