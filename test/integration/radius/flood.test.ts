/**
 * A front before the real engine, flooded from another process while a NAS has its sessions: the same
 * sessions as without the flood, each request answered at its first try, each session at its price.
 */
import { expect, it } from 'vitest';
import { readAccount } from '../../../src/charging/snapshot.js';
import { createRadiusSimulator } from '../../../src/local/radius-simulator/simulator.js';
import { attributeValue } from '../../../src/radius/attribute.js';
import { AcctSessionId, AcctStatusType, UserName } from '../../../src/radius/generated/standard.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import { testEngines } from '../../support/charging-engine.js';
import { underFlood, type FloodDatagram } from '../../support/flood.js';
import { HOME, ISP_SCOPE, ispProcess, openIsp, openSubscriber } from '../../support/isp.js';
import { buildRequest } from '../../support/radius-client.js';
import { startRadiusFront, TEST_SECRET, testNas } from '../../support/radius-front.js';
import { randomSource } from '../../support/random-source.js';

const engines = testEngines();
const MONEY = 100_000_000;
const MICRO = 1_000_000;
const SESSIONS = 10;
const PACKETS = 5_000;
const BURST = 64;
const SEED = 20_261_121;

/** The first is the address of the NAS; nobody knows the others. */
const SOURCES = ['127.0.0.1', '127.0.0.2', '127.1.2.3', '127.200.0.9'];

interface Ports {
  readonly authentication: { readonly port: number };
  readonly accounting: { readonly port: number };
}

/** Logins and reports with a wrong secret, whole and mutated, all of one identifier. */
function forgeries({ authentication, accounting }: Ports): FloodDatagram[] {
  const secret = new SharedSecret('not the secret');
  const login = buildRequest({
    code: 'Access-Request',
    attributes: [attributeValue(UserName, 'anna')],
    secret,
  }).octets;
  const stop = buildRequest({
    code: 'Accounting-Request',
    attributes: [
      attributeValue(UserName, 'anna'),
      attributeValue(AcctSessionId, Buffer.from('81000001')),
      attributeValue(AcctStatusType, AcctStatusType.values.Stop),
    ],
    secret,
  }).octets;
  const random = randomSource(SEED);
  const mutated = (octets: Buffer): Buffer => {
    const copy = Buffer.from(octets);
    // Not the code: a reply would be as good as none.
    for (let n = 0; n < 4; n += 1) copy[1 + random.integer(copy.length - 1)] = random.integer(256);
    return copy;
  };
  return Array.from({ length: 500 }, (_, n): FloodDatagram => {
    const [octets, port] = n % 2 === 0 ? [login, authentication.port] : [stop, accounting.port];
    const datagram = (n % 5 < 2 ? mutated(octets) : octets).toString('hex');
    return { octets: datagram, port, ...(n % 3 === 0 && { source: 0 }) };
  });
}

async function openFront() {
  const engine = await engines.fresh();
  await openIsp(engine, { plans: [HOME] });
  await openSubscriber(engine, { money: MONEY });
  const { access, accounting } = await ispProcess(engine);
  const clients = [
    testNas({
      name: 'bng',
      networkScope: ISP_SCOPE,
      addresses: ['127.0.0.1'],
      messageAuthenticator: 'require',
    }),
  ];
  return { engine, front: await startRadiusFront({ clients }, { access, accounting }) };
}

/** The sessions of a NAS, from their logins to their stops. */
async function playSessions({ authentication, accounting }: Ports) {
  const simulator = createRadiusSimulator({
    servers: [
      {
        address: '127.0.0.1',
        authenticationPort: authentication.port,
        accountingPort: accounting.port,
      },
    ],
    secret: TEST_SECRET,
    nasIdentifier: 'bng',
    subscribers: [
      {
        ...{ userName: 'anna', password: 'sekrit', station: '02:00:00:00:01:01' },
        ...{ service: 'pppoe', method: 'pap' },
      },
    ],
    sessions: SESSIONS,
    concurrent: 1,
    interims: { min: 2, max: 2 },
    downloadPerInterim: { min: 10_000, max: 1_000_000 },
    interimSeconds: 60,
    // A resend is a request that was not answered, not one that a busy machine was late for.
    answerMs: 15_000,
    seed: SEED,
  });
  return simulator.run();
}

it('a NAS is served and charged under floods as it is without', async () => {
  const quiet = await openFront();
  const undisturbed = await playSessions(quiet.front);
  const flooded = await openFront();
  const { result, flood } = await underFlood(
    { sources: SOURCES, datagrams: forgeries(flooded.front), burst: BURST },
    PACKETS,
    () => playSessions(flooded.front),
  );
  await Promise.all([quiet.front.server.close(), flooded.front.server.close()]);

  const { statistics, tally } = result;
  expect(statistics).toMatchObject({
    sessionsEnded: { finished: SESSIONS },
    answers: undisturbed.statistics.answers,
    unanswered: 0,
    resent: 0,
    badReplies: 0,
  });
  expect(flood.sent).toBeGreaterThanOrEqual(PACKETS);
  expect(flood.heard).toBe(0);
  // The engine hears of the sessions, and of nothing else.
  expect(flooded.front.requests).toHaveLength(quiet.front.requests.length);
  expect(flooded.front.reports).toHaveLength(quiet.front.reports.length);
  expect(flooded.front.lines.length).toBeLessThan(200);

  const paid = tally
    .map(({ used }) => Math.ceil((used.uploadOctets + used.downloadOctets) / 10_000) * 1_000)
    .reduce((sum, each) => sum + each, 0);
  const [bucket] = (await readAccount(flooded.engine, 0, 'anna'))?.buckets ?? [];
  expect(bucket).toMatchObject({ reserved: 0, remaining: MONEY * MICRO - paid });
});
