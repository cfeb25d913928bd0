/**
 * Accounts with sessions to charge, and the requests that charge them: for the charge script and,
 * on the same keys' shapes, for the bare one. Every request is a new one of its session.
 */
import type { Redis } from 'ioredis';
import {
  packTerms,
  type ChargePolicy,
  type ChargeRequest,
  type ChargeService,
  type ChargeTerms,
} from '../src/charging/charge-request.js';
import { charge, enquire } from '../src/charging/charge.js';
import type { Engine } from '../src/charging/engine.js';
import { REPLY_FENCED } from '../src/charging/generated/layout.js';
import { createKeys, partitionOf } from '../src/charging/keys.js';
import { creditAccount, provisionAccount } from '../src/charging/provisioning.js';
import type { ScriptReply, Scripts } from '../src/charging/script-loader.js';
import { openPartition } from '../src/charging/partition-fence.js';
import { toAmount, ZERO, type Amount } from '../src/domain/amounts.js';
import type { BucketGrant, EventStamp } from '../src/domain/events.js';
import { drive, encodeCommand, type CommandPart } from './pipeline-driver.js';

/** Partitions of the key space, as a first start lays it out by default. */
export const PARTITIONS = 64;

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;

/** What a request reports, and what it asks for: 1 MiB. */
export const UNITS_PER_REQUEST = MIB;

export interface WorkloadShape {
  readonly accounts: number;
  /** The last bucket holds money, the others octets. */
  readonly buckets: number;
  /** How many of the octet buckets, from the first consumed on, hold nothing any more. */
  readonly usedUp: number;
  readonly services: number;
  /** Each account is a member of a group of its own, whose owner has as many buckets and pays first. */
  readonly shared: boolean;
}

export const STANDARD_SHAPE: WorkloadShape = {
  accounts: 10_000,
  buckets: 4,
  usedUp: 0,
  services: 1,
  shared: false,
};

export const STAMP: EventStamp = {
  tenant: 'example',
  customer: 'c00012345',
  subscription: 's00012345',
  protocol: 'gy',
  peer: 'pgw1.example.net',
  serviceContext: '32251@3gpp.org',
  personal: { imsi: '001010000012345', msisdn: '491700012345' },
  network: { apn: 'internet', ratType: '6', visitedNetwork: '00101' },
  eventTimestamp: null,
  configVersion: 1,
};

const POLICY: ChargePolicy = {
  unknownSession: 'recreate',
  overuse: 'write-off',
  supervisionMs: 7_200_000,
  retentionMs: 86_400_000,
  graceMs: 60_000,
};

const FOREVER_MS = 8_640_000_000_000_000;

/** Operators have many tariffs: what the scripts keep of one must not serve every request. */
const TARIFFS = 64;
const RATING_GROUPS = 8;

/** 0.01 per MiB in micro-units, billed by the KiB. */
function termsOf(tariff: number, ratingGroup: number): ChargeTerms {
  const line = `data${tariff}@1`;
  return {
    unit: 'octets',
    ratingGroup,
    quota: {
      maximum: toAmount(2 ** 30),
      minimum: toAmount(64 * 2 ** 10),
      sharePercent: 25,
      validitySeconds: 3_600,
      shortValiditySeconds: 60,
    },
    windows: [
      {
        fromMs: 0,
        untilMs: FOREVER_MS,
        currency: 'EUR',
        line: {
          id: line,
          pulses: [{ from: 0, step: 1024 }],
          tiers: [{ from: 0, num: 10_000, den: MIB }],
          counter: null,
          connectionFee: ZERO,
          minimumCharge: ZERO,
          cap: null,
          unitsMax: toAmount(2 ** 43),
        },
        periodStartMs: 0,
        kind: 'charged',
        label: `${line} -`,
      },
    ],
    unitOrder: 'earliest-expiring',
    moneyOrder: 'earliest-expiring',
    serviceContext: '32251@3gpp.org',
    zones: [],
    bands: [],
  };
}

/** Terms with their packed form, by tariff and rating group, as credit control keeps them. */
const TERMS: readonly (readonly (ChargeTerms & { readonly packedTerms: Buffer })[])[] = Array.from(
  { length: TARIFFS },
  (_, tariff) =>
    Array.from({ length: RATING_GROUPS }, (__, place) => {
      const terms = termsOf(tariff, 10 * (place + 1));
      return { ...terms, packedTerms: packTerms(terms) };
    }),
);

/** Of fixed width: an account is copied from another by writing its id over the other's. */
export function accountIdOf(index: number): string {
  return `a${String(index).padStart(9, '0')}`;
}

/** The owner of the sharing group that an account is the member of, in the member's partition. */
export function ownerIdOf(index: number): string {
  return `o${String(index).padStart(9, '0')}`;
}

export function sessionIdOf(index: number, name = 'main'): string {
  return `pgw1.example.net;${String(index).padStart(10, '0')};${name}`;
}

export interface RequestOptions {
  readonly account: number;
  readonly sessionId: string;
  readonly number: number;
  readonly phase: ChargeRequest['phase'];
  readonly services: number;
  readonly used: number;
  /** Null asks for nothing. */
  readonly want: number | null;
  readonly shared?: boolean;
}

export function chargeRequest(options: RequestOptions): ChargeRequest {
  const accountId = accountIdOf(options.account);
  const tariff = TERMS[options.account % TARIFFS] ?? [];
  const services = tariff.slice(0, options.services).map((terms): ChargeService => ({
    ...terms,
    key: `${terms.ratingGroup ?? ''}:`,
    used: toAmount(options.used),
    usedAfter: ZERO,
    want: options.want === null ? null : toAmount(options.want),
    reason: null,
  }));
  return {
    partition: partitionOf(accountId, PARTITIONS),
    accountId,
    profileVersion: 1,
    sessionId: options.sessionId,
    requestNumber: options.number,
    phase: options.phase,
    stamp: STAMP,
    policy: POLICY,
    services,
    cause: options.phase === 'terminate' ? 'logout' : null,
    sharing:
      options.shared === true
        ? {
            ownerAccountId: ownerIdOf(options.account),
            order: 'shared-first',
            scope: null,
            resources: null,
          }
        : null,
  };
}

/** Brings an account into being and grants it its buckets, by the scripts themselves. */
async function openAccount(
  engine: Engine,
  shape: WorkloadShape,
  options: { readonly accountId: string; readonly partition: number; readonly bucketIds: string },
): Promise<void> {
  const account = { partition: options.partition, accountId: options.accountId, stamp: STAMP };
  await provisionAccount(engine, { ...account, standing: 'active', profileVersion: 1 });
  const granted = await creditAccount(engine, {
    ...account,
    intentNumber: 1,
    intentId: 'i1',
    kind: 'grant',
    reason: null,
    operations: Array.from({ length: shape.buckets }, (_, place) => ({
      operation: 'grant' as const,
      bucket: bucketOf(shape, place, options.bucketIds),
    })),
  });
  if (granted.kind !== 'applied') throw new Error(`buckets were not granted: ${granted.kind}`);
}

/** The account that the others are copied from, with its session, and with its owner if shared. */
async function openTemplate(engine: Engine, shape: WorkloadShape, index: number): Promise<void> {
  const accountId = accountIdOf(index);
  const partition = partitionOf(accountId, PARTITIONS);
  await openAccount(engine, shape, { accountId, partition, bucketIds: 'b' });
  if (shape.shared) {
    const owner = { accountId: ownerIdOf(index), partition, bucketIds: 'g' };
    await openAccount(engine, shape, owner);
  }
  const opened = await charge(
    engine,
    chargeRequest({
      account: index,
      sessionId: sessionIdOf(index),
      number: 0,
      phase: 'initial',
      services: shape.services,
      used: 0,
      want: UNITS_PER_REQUEST,
      shared: shape.shared,
    }),
  );
  if (opened.kind !== 'answered' || opened.services.some((s) => s.result !== 'granted')) {
    throw new Error(`a session was not opened: ${JSON.stringify(opened)}`);
  }
}

function bucketOf(shape: WorkloadShape, place: number, ids: string): BucketGrant {
  const now = Date.now();
  const money = place === shape.buckets - 1;
  const plenty: Amount = toAmount(money ? 1e13 : 1e14);
  return {
    bucketId: `${ids}${String(place).padStart(7, '0')}`,
    resource: money ? 'EUR' : 'octets',
    kind: money ? 'money' : 'units',
    priority: money ? 100 : 10 + (place % 3),
    state: 'active',
    startsAt: now - DAY_MS,
    endsAt: money ? null : now + (place + 10) * DAY_MS,
    createdAt: now - DAY_MS + place,
    floor: ZERO,
    granted: consumedAt(shape, place) < shape.usedUp ? ZERO : plenty,
    step: 1,
    blocker: false,
    bundleId: money ? null : `p${String(place % 4)}`,
    detail: {},
  };
}

/** Place in consumption order of the bucket at a place of the grant. */
function consumedAt(shape: WorkloadShape, place: number): number {
  const units = Array.from({ length: shape.buckets - 1 }, (_, index) => index);
  units.sort((a, b) => (a % 3) - (b % 3) || a - b);
  return place === shape.buckets - 1 ? place : units.indexOf(place);
}

export interface Seeded {
  readonly shape: WorkloadShape;
  /** Number of the account that the others are copies of; it is not charged. */
  readonly template: number;
}

const COPIES_PER_BATCH = 5_000;

/**
 * Empties Redis and fills it with accounts 0 … n-1, each with a session open. One account is built
 * by the scripts, the others are copies of its keys: a million are there in a minute. The outbox
 * is emptied afterwards: what it holds later is what was measured.
 */
export async function seedAccounts(
  engine: Engine,
  port: number,
  shape: WorkloadShape,
): Promise<Seeded> {
  const { redis } = engine;
  await redis.flushall();
  await engine.scripts.load(redis);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    await openPartition(engine, partition, 1);
  }
  const template = shape.accounts;
  await openTemplate(engine, shape, template);
  const copy = await readTemplate(engine, template);
  for (let first = 0; first < shape.accounts; first += COPIES_PER_BATCH) {
    const end = Math.min(first + COPIES_PER_BATCH, shape.accounts);
    const commands: Buffer[] = [];
    for (let index = first; index < end; index += 1) commands.push(...copy(index));
    await drive({ port, commands, expect: '', pipeline: 300 });
  }
  await emptyOutbox(engine);
  await nameTerms(engine, shape.accounts);
  return { shape, template };
}

/**
 * Has the scripts open the terms of all requests, so that naming them is enough: a session's first
 * request would do it.
 */
export async function nameTerms(engine: Engine, accounts: number): Promise<void> {
  const sessionId = sessionIdOf(0);
  const asked = {
    sessionId,
    number: 0,
    phase: 'event',
    used: UNITS_PER_REQUEST,
    want: null,
  } as const;
  for (let account = 0; account < Math.min(TARIFFS, accounts); account += 1) {
    const request = chargeRequest({ ...asked, account, services: RATING_GROUPS });
    const outcome = await enquire(engine, request);
    if (outcome.kind !== 'enquired') throw new Error(`terms were not opened: ${outcome.refusal}`);
  }
}

/** Reads the template's keys. Returns what makes the commands that write them for another index. */
async function readTemplate(
  engine: Engine,
  template: number,
): Promise<(index: number) => readonly Buffer[]> {
  const { redis, keys } = engine;
  const templateId = accountIdOf(template);
  const home = partitionOf(templateId, PARTITIONS);
  const account = await redis.getBuffer(keys.account(home, templateId));
  const owner = await redis.getBuffer(keys.account(home, ownerIdOf(template)));
  const session = await redis.hgetallBuffer(keys.session(home, sessionIdOf(template)));
  if (account === null) throw new Error('the template account is gone');
  // A session that holds units of a sharing owner names him too.
  const headerFor = (header: Buffer, accountId: string, ownerId: string): Buffer => {
    const copied = overwrite(header, templateId, accountId);
    const templateOwner = ownerIdOf(template);
    return copied.includes(templateOwner) ? overwrite(copied, templateOwner, ownerId) : copied;
  };
  return (index) => {
    const accountId = accountIdOf(index);
    const partition = partitionOf(accountId, PARTITIONS);
    const sessionId = sessionIdOf(index);
    const fields = Object.entries(session).flatMap(([field, value]): CommandPart[] => [
      field,
      field === 'h' ? headerFor(value, accountId, ownerIdOf(index)) : value,
    ]);
    const deadline = String(Date.now() + POLICY.supervisionMs);
    const commands = [
      encodeCommand([
        'SET',
        keys.account(partition, accountId),
        overwrite(account, templateId, accountId),
      ]),
      encodeCommand(['HSET', keys.session(partition, sessionId), ...fields]),
      encodeCommand(['ZADD', keys.timers(partition), deadline, `s:${sessionId}`]),
    ];
    if (owner !== null) {
      const ownerId = ownerIdOf(index);
      const value = overwrite(owner, ownerIdOf(template), ownerId);
      commands.push(encodeCommand(['SET', keys.account(partition, ownerId), value]));
    }
    return commands;
  };
}

/** Drops the entries and keeps the streams, and with them their last ids. */
export async function emptyOutbox(engine: Engine): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    await engine.redis.xtrim(engine.keys.outbox(partition), 'MAXLEN', 0);
  }
}

/** Replaces an id inside a packed value by another of the same length. */
function overwrite(packed: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(packed);
  const at = copy.indexOf(from);
  if (at < 0) throw new Error(`${from} is not in the packed value`);
  copy.write(to, at);
  return copy;
}

interface RecordedCall {
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
}

/**
 * The command that a script function would send: it is called over scripts that write down what
 * they are given and answer that the partition is fenced.
 */
export async function encodeCall(
  call: (engine: Engine) => Promise<unknown>,
  functionName: string,
): Promise<Buffer> {
  const recorder = new CallRecorder();
  // Every script function either returns a refusal as its outcome or throws on the fence.
  await call(recorder.engine).catch(() => undefined);
  const { keys, args } = recorder.last();
  return encodeCommand(['FCALL', functionName, String(keys.length), ...keys, ...args]);
}

const FENCED: ScriptReply = [REPLY_FENCED];

class CallRecorder {
  readonly engine: Engine;
  #last: RecordedCall | null = null;

  constructor() {
    const scripts: Scripts = {
      library: { name: '', source: '' },
      functionName: (script) => script,
      load: () => Promise.resolve(),
      run: (_redis, _name, keys, args) => {
        this.#last = { keys, args };
        return Promise.resolve(FENCED);
      },
      runTold: () => Promise.reject(new Error('nothing is replicated')),
    };
    // The recorder never reaches Redis.
    const redis = {} as Redis;
    this.engine = {
      redis,
      scripts,
      keys: createKeys(KEY_PREFIX),
      limits: { requestTimeoutMs: 1_000 },
    };
  }

  last(): RecordedCall {
    if (this.#last === null) throw new Error('no script was called');
    return this.#last;
  }
}

export const KEY_PREFIX = 'tolld';
