/** Streams of encoded commands: each feed gives new ones of one kind for as long as it is asked. */
import { charge, enquire, settle } from '../src/charging/charge.js';
import type { Engine } from '../src/charging/engine.js';
import { REPLY_DONE, REPLY_REPEATED } from '../src/charging/generated/layout.js';
import { createKeys, partitionOf } from '../src/charging/keys.js';
import { creditAccount } from '../src/charging/provisioning.js';
import type { ScriptName } from '../src/charging/script-loader.js';
import { toAmount } from '../src/domain/amounts.js';
import {
  accountIdOf,
  chargeRequest,
  encodeCall,
  KEY_PREFIX,
  PARTITIONS,
  sessionIdOf,
  STAMP,
  UNITS_PER_REQUEST,
  type RequestOptions,
} from './charge-workload.js';
import { encodeCommand } from './pipeline-driver.js';

export interface Feed {
  readonly name: string;
  /** What each reply begins with when all is well. */
  readonly expect: string;
  /** Units that the commands given so far report. */
  reported(): number;
  commands(count: number): Promise<Buffer[]>;
}

type FunctionOf = (script: ScriptName) => string;

/** Asks for a request of account i, the k-th time that this account is asked. */
type RequestOf = (account: number, turn: number) => RequestOptions;

interface FeedOptions {
  readonly name: string;
  readonly accounts: number;
  readonly script?: 'charge' | 'settle' | 'enquire';
  /** Accounts are visited in steps of this, so that no two neighbours follow each other. */
  readonly stride?: number;
  readonly request: RequestOf;
}

/** Requests that go round the accounts. */
export function createChargeFeed(functionOf: FunctionOf, options: FeedOptions): Feed {
  const { accounts, stride = 1 } = options;
  const script = options.script ?? 'charge';
  const call = { charge, settle, enquire }[script];
  let cursor = 0;
  let reported = 0;
  return {
    name: options.name,
    expect: `*2\r\n:${REPLY_DONE}\r\n`,
    reported: () => reported,
    commands: async (count) => {
      const commands: Buffer[] = [];
      for (let index = 0; index < count; index += 1, cursor += 1) {
        const account = ((cursor % accounts) * stride) % accounts;
        const request = options.request(account, Math.floor(cursor / accounts));
        if (script !== 'enquire') reported += request.used * request.services;
        commands.push(
          await encodeCall((engine) => call(engine, chargeRequest(request)), functionOf(script)),
        );
      }
      return commands;
    },
  };
}

/** Report-and-reserve on each account's open session, request numbers from `from` on. */
export function createUpdateFeed(
  functionOf: FunctionOf,
  options: { readonly accounts: number; readonly services: number; readonly stride?: number },
): Feed {
  return createChargeFeed(functionOf, {
    name: 'update',
    ...options,
    request: (account, turn) => ({
      account,
      sessionId: sessionIdOf(account),
      number: turn + 1,
      phase: 'update',
      services: options.services,
      used: UNITS_PER_REQUEST,
      want: UNITS_PER_REQUEST,
    }),
  });
}

/** The last commands of another feed once more: every one is a duplicate. */
export function createRepeatFeed(commands: readonly Buffer[]): Feed {
  return {
    name: 'repeated',
    expect: `*2\r\n:${REPLY_REPEATED}\r\n`,
    reported: () => 0,
    commands: (count) => Promise.resolve(commands.slice(0, count)),
  };
}

/** Top-ups of the first bucket; intent 1 of each account granted its buckets. */
export function createCreditFeed(functionOf: FunctionOf, accounts: number): Feed {
  let cursor = 0;
  return {
    name: 'top-up',
    expect: `*2\r\n:${REPLY_DONE}\r\n`,
    reported: () => 0,
    commands: async (count) => {
      const commands: Buffer[] = [];
      for (let index = 0; index < count; index += 1, cursor += 1) {
        const accountId = accountIdOf(cursor % accounts);
        const intentNumber = 2 + Math.floor(cursor / accounts);
        const call = (engine: Engine): Promise<unknown> =>
          creditAccount(engine, {
            partition: partitionOf(accountId, PARTITIONS),
            accountId,
            intentNumber,
            intentId: `i${intentNumber}`,
            kind: 'top-up',
            reason: null,
            operations: [
              { operation: 'add', bucketId: 'b0000000', amount: toAmount(UNITS_PER_REQUEST) },
            ],
            stamp: STAMP,
          });
        commands.push(await encodeCall(call, functionOf('credit')));
      }
      return commands;
    },
  };
}

/** The keys of the bare script, shaped like ours and in the same partitions. */
function bareKeys(account: number): [string, string, string, string] {
  const keys = createKeys(`${KEY_PREFIX}-bare`);
  const accountId = accountIdOf(account);
  const partition = partitionOf(accountId, PARTITIONS);
  return [
    keys.account(partition, accountId),
    keys.session(partition, sessionIdOf(account)),
    keys.timers(partition),
    keys.outbox(partition),
  ];
}

/** One account of the bare script, with a session open that holds what a request asks for. */
export function bareAccount(index: number): Buffer[] {
  const now = Date.now();
  const [account, session, timers] = bareKeys(index);
  const buckets = [0, 1, 2, 3].flatMap((place) => {
    const ends = now + (place + 10) * 86_400_000;
    const reserved = place === 0 ? UNITS_PER_REQUEST : 0;
    return [`bucket:${place + 1}`, `${10 + place}:${ends}:100000000000000:${reserved}`];
  });
  const header = ['status', 'active', 'version', '1', 'sequence', '0', 'last_seen', String(now)];
  return [
    encodeCommand(['HSET', account, ...header, ...buckets]),
    encodeCommand(['HSET', session, 'number', '0', 'used', '0', 'granted', '0', 'at', '0']),
    encodeCommand(['ZADD', timers, String(now), sessionIdOf(index)]),
  ];
}

/** The same use and the same wish as {@link createUpdateFeed}, for the bare script. */
export function createBareFeed(sha: string, accounts: number, stride = 1): Feed {
  let cursor = 0;
  return {
    name: 'bare',
    expect: `:${UNITS_PER_REQUEST}\r\n`,
    reported: () => 0,
    commands: (count) => {
      const commands: Buffer[] = [];
      const units = String(UNITS_PER_REQUEST);
      for (let index = 0; index < count; index += 1, cursor += 1) {
        const account = ((cursor % accounts) * stride) % accounts;
        const number = String(1 + Math.floor(cursor / accounts));
        const args = [String(Date.now()), sessionIdOf(account), number, units, units, units];
        commands.push(encodeCommand(['EVALSHA', sha, '4', ...bareKeys(account), ...args]));
      }
      return Promise.resolve(commands);
    },
  };
}
