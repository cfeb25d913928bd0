/**
 * How many Credit-Control-Requests a core decodes into the request that credit control takes, every
 * field of it materialised, and how many answers it encodes. The reference is the copy of the same
 * bytes: what handling them costs at the least.
 */
import type { Amount } from '../src/domain/amounts.js';
import type { CreditControlOutcome } from '../src/domain/credit-control.js';
import { readCreditControlRequest } from '../src/diameter/gy.js';
import { writeCreditControlAnswer } from '../src/diameter/gy-answer.js';
import { encodeIdentity } from '../src/diameter/identity.js';
import { DIAMETER_LIMITS } from '../src/diameter/limits.js';
import { MessageReader } from '../src/diameter/message-reader.js';
import { MessageWriter } from '../src/diameter/message-writer.js';
import { resolvePeer } from '../src/diameter/peer.js';
import { writeUpdate } from './ccr-update.js';

const MESSAGES = 4_096;
const ROUNDS = 7;
const PER_ROUND = 250_000;

const peer = resolvePeer({ name: 'pgw', originHost: null, realm: 'epc', networkScope: 'home' });
const identity = encodeIdentity({
  host: 'tolld-1.ocs.mnc001.mcc262.3gppnetwork.org',
  realm: 'ocs.mnc001.mcc262.3gppnetwork.org',
  originStateId: 1_791_200_000,
});
const outcome: CreditControlOutcome = {
  kind: 'answered',
  repeated: false,
  lowBalance: false,
  services: [10, 20].map((ratingGroup) => ({
    ratingGroup,
    serviceIdentifiers: [ratingGroup + 1],
    result: 'granted',
    granted: { unit: 'octets', amount: 10_485_760 as Amount },
    validitySeconds: 3600,
    quotaThreshold: 1_048_576 as Amount,
    quotaHoldingSeconds: 600,
  })),
};

const writer = new MessageWriter();
const messages: Buffer[] = [];
for (let subscriber = 0; subscriber < MESSAGES; subscriber += 1) {
  writeUpdate(writer, { subscriber: subscriber * 7919, requestNumber: subscriber % 97 });
  messages.push(writer.take());
}
const reader = new MessageReader(DIAMETER_LIMITS);

function decode(message: Buffer): number {
  const fault = reader.read(message);
  const decoded = fault === null ? readCreditControlRequest(reader, peer) : null;
  if (decoded === null) throw new Error(reader.fault?.reason ?? 'not decoded');
  return decoded.request.services.length;
}

const first = messages[0] as Buffer;
decode(first);
const sample = readCreditControlRequest(reader, peer);
if (sample === null) throw new Error('not decoded');
const { context } = sample;

function encode(): number {
  writeCreditControlAnswer(writer, context, outcome, { identity, profile: peer.profile });
  return writer.take().length;
}

const target = Buffer.alloc(65_536);

/** Runs per second of one core: CPU time, so that a busy machine doesn't count against it. */
function rate(run: (message: Buffer) => number): number {
  let kept = 0;
  const before = process.cpuUsage();
  for (let round = 0; round < PER_ROUND; round += 1) {
    kept += run(messages[round % MESSAGES] as Buffer);
  }
  const { user, system } = process.cpuUsage(before);
  if (kept === 0) throw new Error('nothing ran');
  return PER_ROUND / ((user + system) / 1e6);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

const decodes: number[] = [];
const encodes: number[] = [];
const copies: number[] = [];
for (let round = -2; round < ROUNDS; round += 1) {
  const [decoded, encoded, copied] = [rate(decode), rate(encode), rate((m) => m.copy(target))];
  if (round < 0) continue;
  decodes.push(decoded);
  encodes.push(encoded);
  copies.push(copied);
}
const value = median(decodes);
const reference = median(copies);
console.log(
  JSON.stringify({
    bench: 'diameter-codec',
    value: Math.round(value),
    unit: 'decodes/s/core',
    encodes: Math.round(median(encodes)),
    reference: Math.round(reference),
    ratio: Number((value / reference).toFixed(4)),
    messageOctets: first.length,
    cpuUs: { decode: Number((1e6 / value).toFixed(2)) },
    errors: 0,
    balanced: true,
  }),
);
