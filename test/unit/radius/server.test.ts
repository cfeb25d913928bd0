import { afterEach, describe, expect, it } from 'vitest';
import type { AccessDecision, AccountingOutcome } from '../../../src/domain/access.js';
import { attributeValue } from '../../../src/radius/attribute.js';
import { chapDigest } from '../../../src/radius/authentication/chap.js';
import {
  AcctSessionId,
  AcctStatusType,
  ChapPassword,
  EapMessage,
  MessageAuthenticator,
  NasIdentifier,
  ProxyState,
  State,
  UserName,
  UserPassword,
} from '../../../src/radius/generated/standard.js';
import { hidePassword } from '../../../src/radius/hidden-value.js';
import { packetCodeName } from '../../../src/radius/packet-code.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import {
  RadiusTestClient,
  buildRequest,
  readReply,
  type BuiltRequest,
  type RequestParts,
} from '../../support/radius-client.js';
import {
  admitSekrit,
  startRadiusFront,
  testNas,
  TEST_SECRET,
  type TestFrontHandlers,
} from '../../support/radius-front.js';

const secret = new SharedSecret(TEST_SECRET);
const authenticator = Buffer.alloc(16, 9);
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Front = Awaited<ReturnType<typeof startRadiusFront>>;

async function start(...parts: Parameters<typeof startRadiusFront>): Promise<Front> {
  const front = await startRadiusFront(...parts);
  cleanups.push(() => front.server.close());
  return front;
}

async function connect(
  to: { readonly address: string; readonly port: number },
  from?: string,
): Promise<RadiusTestClient> {
  const client = await RadiusTestClient.open(to, from);
  cleanups.push(() => client.close());
  return client;
}

function login(parts: Partial<RequestParts> & { readonly password?: string } = {}): BuiltRequest {
  const by = parts.secret ?? secret;
  const hidden = hidePassword(Buffer.from(parts.password ?? 'sekrit'), by, authenticator);
  const { attributes = [], ...rest } = parts;
  return buildRequest({
    code: 'Access-Request',
    authenticator,
    secret: by,
    ...rest,
    attributes: [
      attributeValue(UserName, 'alice'),
      attributeValue(UserPassword, hidden),
      ...attributes,
    ],
  });
}

function report(parts: Partial<RequestParts> & { readonly id?: string } = {}): BuiltRequest {
  return buildRequest({
    code: 'Accounting-Request',
    secret,
    ...parts,
    attributes: [
      attributeValue(AcctStatusType, AcctStatusType.values.Start),
      attributeValue(AcctSessionId, Buffer.from(parts.id ?? '81c00003')),
      ...(parts.attributes ?? []),
    ],
  });
}

const status = (identifier: number): BuiltRequest =>
  buildRequest({ code: 'Status-Server', identifier, secret });

/** A promise and its levers. */
function deferred<Value>() {
  let resolve!: (value: Value) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Handlers of accounting whose answers the test gives one by one. */
function heldAccounting() {
  const waiting: ReturnType<typeof deferred<AccountingOutcome>>[] = [];
  let arrived: (() => void) | undefined;
  const handlers: TestFrontHandlers = {
    accounting: () => {
      const held = deferred<AccountingOutcome>();
      waiting.push(held);
      arrived?.();
      return held.promise;
    },
  };
  const count = async (wanted: number): Promise<void> => {
    while (waiting.length < wanted) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
  };
  return { handlers, waiting, count };
}

describe('an Access-Request', () => {
  it('is answered with a Message-Authenticator in front and Proxy-States behind, in order', async () => {
    const front = await start();
    const client = await connect(front.authentication);
    const proxies = ['first', 'second', 'first'].map((text) =>
      attributeValue(ProxyState, Buffer.from(text)),
    );
    const reply = await client.ask(login({ attributes: proxies }));
    expect(packetCodeName(reply.code)).toBe('Access-Accept');
    expect(reply.attributes()[0]?.key).toBe(MessageAuthenticator.key);
    expect(reply.all(ProxyState).map(String)).toEqual(['first', 'second', 'first']);
    expect(
      reply
        .attributes()
        .slice(-3)
        .map(({ key }) => key),
    ).toEqual([33, 33, 33]);
  });

  it('is rejected with one too', async () => {
    const front = await start();
    const client = await connect(front.authentication);
    const reply = await client.ask(login({ password: 'wrong' }));
    expect(packetCodeName(reply.code)).toBe('Access-Reject');
    expect(reply.attributes()[0]?.key).toBe(MessageAuthenticator.key);
  });

  it('gets no answer when nothing could be decided, and its resend is decided anew', async () => {
    const decisions: AccessDecision[] = [{ kind: 'unavailable' }];
    const front = await start({}, { access: async (one) => decisions.pop() ?? admitSekrit(one) });
    const client = await connect(front.authentication);
    await client.send(login().octets);
    const reply = await client.ask(login());
    expect(packetCodeName(reply.code)).toBe('Access-Accept');
    expect(front.requests).toHaveLength(2);
    expect(await front.dropped('undecided')).toBe(1);
  });

  it('gets no answer on the accounting port', async () => {
    const front = await start();
    const client = await connect(front.accounting);
    await client.send(login({ identifier: 1 }).octets);
    await client.ask(status(2));
    expect(front.requests).toEqual([]);
    expect(await front.dropped('unexpected-code')).toBe(1);
  });
});

describe('an Accounting-Request', () => {
  it('is answered after it was recorded and not before', async () => {
    const { handlers, waiting, count } = heldAccounting();
    const front = await start({}, handlers);
    const client = await connect(front.accounting);
    const request = report();
    await client.send(request.octets);
    await count(1);
    // The port answers others meanwhile: what comes first is not the held answer.
    const first = await client.ask(status(2));
    expect(first.identifier).toBe(2);
    waiting[0]?.resolve({ kind: 'recorded' });
    const reply = readReply(await client.receive(), request);
    expect(packetCodeName(reply.code)).toBe('Accounting-Response');
    expect(reply.attributes()).toEqual([]);
  });

  it.each<[string, (held: ReturnType<typeof deferred<AccountingOutcome>>) => void, string]>([
    ['recording it fails', ({ reject }) => reject(new Error('redis is gone')), 'failed'],
    ['it was not recorded', ({ resolve }) => resolve({ kind: 'unavailable' }), 'undecided'],
  ])('gets no answer when %s, and its resend is recorded', async (_name, fail, reason) => {
    const { handlers, waiting, count } = heldAccounting();
    const front = await start({}, handlers);
    const client = await connect(front.accounting);
    const request = report();
    await client.send(request.octets);
    await count(1);
    const [first] = waiting;
    if (first === undefined) throw new Error('nothing waits');
    fail(first);
    await client.ask(status(2));
    await client.send(request.octets);
    await count(2);
    waiting[1]?.resolve({ kind: 'recorded' });
    readReply(await client.receive(), request);
    expect(await front.dropped(reason)).toBe(1);
  });

  it('that is of no consequence is answered too', async () => {
    const front = await start({}, { accounting: async () => ({ kind: 'ignored' }) });
    const client = await connect(front.accounting);
    expect(packetCodeName((await client.ask(report())).code)).toBe('Accounting-Response');
  });

  it('of tunnels is answered without being recorded', async () => {
    const front = await start();
    const client = await connect(front.accounting);
    const tunnel = buildRequest({
      code: 'Accounting-Request',
      secret,
      attributes: [attributeValue(AcctStatusType, AcctStatusType.values['Tunnel-Start'])],
    });
    expect(packetCodeName((await client.ask(tunnel)).code)).toBe('Accounting-Response');
    expect(front.reports).toEqual([]);
  });

  it('without its status or session gets no answer', async () => {
    const front = await start();
    const client = await connect(front.accounting);
    await client.send(buildRequest({ code: 'Accounting-Request', secret }).octets);
    await client.ask(status(2));
    expect(await front.dropped('no-status-type')).toBe(1);
    expect(front.reports).toEqual([]);
  });
});

describe('a duplicate', () => {
  it('of an answered request gets the same octets and is not decided again', async () => {
    const front = await start();
    const client = await connect(front.authentication);
    const request = login();
    await client.send(request.octets);
    const first = await client.receive();
    await client.send(request.octets);
    expect(await client.receive()).toEqual(first);
    expect(front.requests).toHaveLength(1);
    expect(await front.repeated('Access-Accept')).toBe(1);
  });

  it('of a pending request is dropped', async () => {
    const { handlers, waiting, count } = heldAccounting();
    const front = await start({}, handlers);
    const client = await connect(front.accounting);
    const request = report();
    await client.send(request.octets);
    await count(1);
    await client.send(request.octets);
    await client.ask(status(2));
    waiting[0]?.resolve({ kind: 'recorded' });
    readReply(await client.receive(), request);
    expect(front.reports).toHaveLength(1);
    expect(await front.dropped('duplicate-pending')).toBe(1);
  });

  it('is none from another port, or with another authenticator', async () => {
    const front = await start();
    const [one, other] = [await connect(front.authentication), await connect(front.authentication)];
    await one.ask(login());
    await other.ask(login());
    const again = Buffer.alloc(16, 1);
    const hidden = hidePassword(Buffer.from('sekrit'), secret, again);
    await one.ask(
      buildRequest({
        code: 'Access-Request',
        secret,
        authenticator: again,
        attributes: [attributeValue(UserName, 'alice'), attributeValue(UserPassword, hidden)],
      }),
    );
    expect(front.requests).toHaveLength(3);
  });

  it('is taken as new once the answer is too old', async () => {
    let now = 1_800_000_000_000;
    const front = await start({}, { clock: () => now });
    const client = await connect(front.authentication);
    await client.ask(login());
    now += 29_999;
    await client.ask(login());
    expect(front.requests).toHaveLength(1);
    now += 1;
    await client.ask(login());
    expect(front.requests).toHaveLength(2);
  });
});

describe('silence is what', () => {
  it('an unknown client gets, counted and logged once a minute', async () => {
    const front = await start();
    const [stranger, known] = [
      await connect(front.authentication, '127.0.0.2'),
      await connect(front.authentication),
    ];
    for (let n = 0; n < 10; n += 1) await stranger.send(login({ identifier: n }).octets);
    await known.ask(status(1));
    expect(await front.dropped('unknown-client')).toBe(10);
    const warnings = front.lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ fields }) => fields)).toEqual([
      { reason: 'unknown-client', address: '127.0.0.2' },
    ]);
    expect(front.requests).toEqual([]);
  });

  it('a NAS-Identifier that nobody has gets', async () => {
    const front = await start({ clients: [testNas({ nasIdentifier: 'tower-a' })] });
    const client = await connect(front.authentication);
    const wrong = [attributeValue(NasIdentifier, 'tower-b')];
    await client.send(login({ attributes: wrong }).octets);
    const right = [attributeValue(NasIdentifier, 'tower-a')];
    const reply = await client.ask(login({ identifier: 2, attributes: right }));
    expect(reply.identifier).toBe(2);
    expect(await front.dropped('unknown-client')).toBe(1);
  });

  it.each<[string, () => Buffer, string, 'authentication' | 'accounting']>([
    [
      'a wrong secret in accounting',
      () => report({ secret: new SharedSecret('other') }).octets,
      'bad-authenticator',
      'accounting',
    ],
    [
      'a wrong Message-Authenticator',
      () => login({ secret: new SharedSecret('other') }).octets,
      'bad-message-authenticator',
      'authentication',
    ],
    [
      'a wrong Message-Authenticator in accounting',
      () =>
        report({
          attributes: [attributeValue(MessageAuthenticator, Buffer.alloc(16))],
        }).octets,
      'bad-message-authenticator',
      'accounting',
    ],
    [
      'Status-Server without a Message-Authenticator',
      () => buildRequest({ code: 'Status-Server', secret, messageAuthenticator: false }).octets,
      'message-authenticator-missing',
      'authentication',
    ],
    [
      'EAP without a Message-Authenticator',
      () =>
        buildRequest({
          code: 'Access-Request',
          secret,
          messageAuthenticator: false,
          attributes: [attributeValue(EapMessage, Buffer.from('0201000501', 'hex'))],
        }).octets,
      'message-authenticator-missing',
      'authentication',
    ],
    ['octets that are no packet', () => Buffer.from('nonsense'), 'short-packet', 'accounting'],
    [
      'a code that is not for servers',
      () => buildRequest({ code: 'CoA-Request', secret }).octets,
      'unexpected-code',
      'authentication',
    ],
  ])('%s gets', async (_name, octets, reason, port) => {
    const front = await start();
    const client = await connect(front[port]);
    await client.send(octets());
    const reply = await client.ask(status(200));
    expect(reply.identifier).toBe(200);
    expect(await front.dropped(reason)).toBe(1);
    expect([front.requests, front.reports]).toEqual([[], []]);
  });
});

describe('Message-Authenticator', () => {
  const bare = (identifier: number): BuiltRequest =>
    login({ identifier, messageAuthenticator: false });

  it('is missed with a warning until the NAS has sent one, and required then', async () => {
    const learned: string[] = [];
    const front = await start({}, { onMessageAuthenticatorLearned: (one) => learned.push(one) });
    const client = await connect(front.authentication);
    await client.ask(bare(1));
    expect(front.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await client.ask(login({ identifier: 2 }));
    expect(learned).toEqual(['bng-1 127.0.0.1']);
    await client.send(bare(3).octets);
    await client.ask(status(4));
    expect(await front.dropped('message-authenticator-missing')).toBe(1);
    expect(front.requests).toHaveLength(2);
  });

  it('is required from a source that an earlier run has seen sending one', async () => {
    const front = await start({ messageAuthenticatorSources: ['bng-1 127.0.0.1'] });
    const client = await connect(front.authentication);
    await client.send(bare(1).octets);
    await client.ask(status(2));
    expect(front.requests).toEqual([]);
  });

  it('is in the answer to accounting where it was in the request', async () => {
    const front = await start();
    const client = await connect(front.accounting);
    const reply = await client.ask(report({ messageAuthenticator: true }));
    expect(reply.has(MessageAuthenticator)).toBe(true);
  });
});

describe('while a secret is being changed', () => {
  const changing = testNas({ secrets: ['new secret', TEST_SECRET] });
  const chapLogin = (by: SharedSecret, identifier: number): BuiltRequest =>
    buildRequest({
      code: 'Access-Request',
      identifier,
      secret: by,
      authenticator,
      messageAuthenticator: false,
      attributes: [
        attributeValue(UserName, 'alice'),
        attributeValue(
          ChapPassword,
          Buffer.concat([Buffer.from([1]), chapDigest(1, 'sekrit', authenticator)]),
        ),
      ],
    });

  it('a NAS may use either, and is answered with the one it used', async () => {
    const front = await start({ clients: [changing] });
    const client = await connect(front.authentication);
    await client.ask(login({ identifier: 1 }));
    await client.ask(login({ identifier: 2, secret: new SharedSecret('new secret') }));
    const accounting = await connect(front.accounting);
    await accounting.ask(report());
    expect(front.requests).toHaveLength(2);
  });

  it('a request that shows none is answered with the one its NAS used last', async () => {
    const front = await start({ clients: [testNas()] });
    const [client, accounting] = [
      await connect(front.authentication),
      await connect(front.accounting),
    ];
    await accounting.ask(report());
    front.server.replaceClients([changing]);
    await client.ask(chapLogin(secret, 1));
    await accounting.ask(report({ id: 'next', secret: new SharedSecret('new secret') }));
    await client.ask(chapLogin(new SharedSecret('new secret'), 2));
  });
});

describe('under overload', () => {
  it('new requests are dropped, begun exchanges and Status-Server are not', async () => {
    const held = deferred<AccessDecision>();
    const front = await start(
      { limits: { pendingMax: 4, pendingPerClientMax: 4 } },
      { access: () => held.promise },
    );
    const client = await connect(front.authentication);
    for (let n = 0; n < 6; n += 1) await client.send(login({ identifier: n }).octets);
    await client.send(
      login({ identifier: 7, attributes: [attributeValue(State, Buffer.from('x'))] }).octets,
    );
    const reply = await client.ask(status(99));
    expect(reply.identifier).toBe(99);
    expect(front.requests).toHaveLength(5);
    expect(await front.dropped('overloaded')).toBe(2);
    held.resolve({ kind: 'rejected', reason: 'no-credit', message: null });
    for (let n = 0; n < 5; n += 1) await client.receive();
    await client.ask(login({ identifier: 5 }));
  });

  it('one NAS does not take the place of the others', async () => {
    const held = deferred<AccessDecision>();
    const other = testNas({ name: 'bng-2', addresses: ['127.0.0.2'] });
    const front = await start(
      { clients: [testNas(), other], limits: { pendingMax: 100, pendingPerClientMax: 3 } },
      {
        access: (one) => (one.nas === 'bng-1' ? held.promise : admitSekrit(one)),
      },
    );
    const [client, quiet] = [
      await connect(front.authentication),
      await connect(front.authentication, '127.0.0.2'),
    ];
    for (let n = 0; n < 10; n += 1) await client.send(login({ identifier: n }).octets);
    await quiet.ask(login());
    expect(await front.dropped('client-overloaded')).toBe(7);
    held.resolve({ kind: 'unavailable' });
  });
});

it('gives a request up that is never decided, and takes its resend', async () => {
  let now = 1_800_000_000_000;
  const decisions: Promise<AccessDecision>[] = [new Promise(() => undefined)];
  const front = await start(
    { limits: { sweepIntervalMs: 1 } },
    { clock: () => now, access: (one) => decisions.pop() ?? admitSekrit(one) },
  );
  const client = await connect(front.authentication);
  await client.send(login().octets);
  await client.ask(status(2));
  expect(front.server.pending).toBe(1);
  now += 10_000;
  while (front.server.pending > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await client.ask(login());
  expect(await front.dropped('timed-out')).toBe(1);
});

it('answers Status-Server on both ports', async () => {
  const front = await start();
  const [authentication, accounting] = [
    await connect(front.authentication),
    await connect(front.accounting),
  ];
  expect(packetCodeName((await authentication.ask(status(1))).code)).toBe('Access-Accept');
  const reply = await accounting.ask(status(1));
  expect(packetCodeName(reply.code)).toBe('Accounting-Response');
  expect(reply.has(MessageAuthenticator)).toBe(true);
});

it.each([
  ['with a name of its own', [attributeValue(NasIdentifier, 'Status Check. Are you alive?')]],
  ['without a name', []],
])(
  'answers the Status-Server of a proxy %s, in front of NAS that have theirs',
  async (_name, attributes) => {
    const named = (name: string) => testNas({ name, nasIdentifier: name });
    const front = await start({ clients: [named('tower-1'), named('tower-2')] });
    const client = await connect(front.authentication);
    const asked = buildRequest({ code: 'Status-Server', attributes, secret });
    expect(packetCodeName((await client.ask(asked)).code)).toBe('Access-Accept');
    const forged = buildRequest({
      code: 'Status-Server',
      attributes,
      secret: new SharedSecret('x'),
    });
    await client.send(forged.octets);
    // An answer to what comes behind says that the forged one got none.
    await client.ask(buildRequest({ code: 'Status-Server', identifier: 2, attributes, secret }));
    expect(await front.dropped('bad-message-authenticator')).toBe(1);
    // Its other requests still have to say whose they are.
    await client.send(login().octets);
    while ((await front.dropped('unknown-client')) === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
);

it('listens on IPv6', async () => {
  const front = await start({
    udp: [{ address: '::1', authenticationPort: 0, accountingPort: null }],
  });
  const client = await connect(front.authentication);
  expect(packetCodeName((await client.ask(login())).code)).toBe('Access-Accept');
  expect(front.accounting.port).toBe(0);
});

it('answers what is under way before it closes, and takes nothing new', async () => {
  const { handlers, waiting, count } = heldAccounting();
  const front = await start({}, handlers);
  const client = await connect(front.accounting);
  const request = report();
  await client.send(request.octets);
  await count(1);
  const closing = front.server.close();
  waiting[0]?.resolve({ kind: 'recorded' });
  readReply(await client.receive(), request);
  await closing;
  expect(front.reports).toHaveLength(1);
});

it('closes after a while when what is under way never ends', async () => {
  const front = await start(
    { limits: { closeTimeoutMs: 10 } },
    { access: () => new Promise(() => undefined) },
  );
  const client = await connect(front.authentication);
  await client.send(login().octets);
  await client.ask(status(2));
  await front.server.close();
  expect(front.server.pending).toBe(1);
});

it('keeps its clients when new ones cannot be', async () => {
  const front = await start();
  expect(() => front.server.replaceClients([testNas({ secrets: [] })])).toThrow('no secret');
  const client = await connect(front.authentication);
  await client.ask(login());
});
