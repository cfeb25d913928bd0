/** What a login is told of the end of what it may use. */
import { expect, it } from 'vitest';
import { admit, type FairUseCap } from '../../../src/charging/admission.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { admissionRequest } from '../../support/access-requests.js';
import { newBucket, START_MS } from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';

const engines = testEngines();
const END = START_MS + 86_400_000;
/** With fair use no login goes the short way. */
const CAP: FairUseCap = {
  ...{ id: 'day', fromMs: START_MS, untilMs: END, counts: 'total', level: 1, octetsPerSecond: 1 },
  octets: toAmount(1e9),
};

it.each([
  ['the short way', []],
  ['the whole way', [CAP]],
])('a login on %s is told an end only where no bucket waits behind', async (_way, caps) => {
  const engine = await engines.fresh();
  const first = newBucket('first', 'octets', 1e9, { endsAt: END });
  await fundAccount(engine, 'a', [first]);
  expect(await admit(engine, admissionRequest({ caps }))).toMatchObject({ endsAt: END });
  const second = newBucket('second', 'octets', 1e9, { state: 'pending', after: 'first' });
  const other = await engines.fresh();
  await fundAccount(other, 'a', [first, second]);
  expect(await admit(other, admissionRequest({ caps }))).toMatchObject({ endsAt: null });
});
