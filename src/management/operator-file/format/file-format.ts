/** The whole operator file, for its published schema; and its heads, which are read first. */
import { CONSUMPTION_ORDERS } from '../../../domain/consumption-order.js';
import { z } from 'zod';
import { accessPlanFormat } from './access-format.js';
import { accountFormat, subscriberFormat } from './account-format.js';
import { choice, identifier, label, listOf, wholeNumber, wireText } from './field.js';
import { addressPoolFormat, nasFormat } from './nas-format.js';
import { peerFormat } from './peer-format.js';
import { planFormat } from './plan-format.js';
import { policyFormat } from './policy-format.js';
import { sharingGroupFormat } from './sharing-format.js';
import { tariffFormat } from './tariff-format.js';

/** Version of the format; a later one is refused rather than guessed at. */
export const FORMAT_VERSION = 1;

export const resourceFormat = z
  .strictObject({
    code: identifier().describe('"EUR", or one of the built-in "octets", "seconds", "events".'),
    name: label().exactOptional().describe('Words for people.'),
    kind: choice(['money', 'units'])
      .exactOptional()
      .describe('`units` for the built-in three, `money` for all others: currencies, tokens.'),
    scale: wholeNumber(0, 9)
      .exactOptional()
      .describe('Decimals of the smallest unit: 6 for money where absent, 0 for units.'),
    consumptionOrder: choice(CONSUMPTION_ORDERS)
      .exactOptional()
      .describe('Which of several buckets goes first; `earliest-expiring` where absent.'),
  })
  .meta({ id: 'Resource', description: 'What buckets count.' });

const entries = z.unknown();

const tenantFields = {
  code: identifier().describe('Name, unique; events and rows carry it.'),
  name: label().exactOptional().describe('Words for people; where absent it stays as it is.'),
  timezone: wireText('an IANA time zone, such as "Europe/Berlin"')
    .exactOptional()
    .describe('Time zone of times without an offset; `UTC` at first.'),
  policy: policyFormat.exactOptional().describe('Where absent it stays as it is.'),
};

const TENANT = { id: 'Tenant', description: 'A business with its catalog and its customers.' };

/** A tenant without a look at its lists: an entry with a fault must not hide those of others. */
export const tenantHeadFormat = z.strictObject({
  ...tenantFields,
  resources: listOf(entries).exactOptional(),
  tariffs: listOf(entries).exactOptional(),
  accessPlans: listOf(entries).exactOptional(),
  plans: listOf(entries).exactOptional(),
  accounts: listOf(entries).exactOptional(),
  subscribers: listOf(entries).exactOptional(),
  sharingGroups: listOf(entries).exactOptional(),
});

const tenantFormat = z
  .strictObject({
    ...tenantFields,
    resources: listOf(resourceFormat)
      .exactOptional()
      .describe('Currencies and tokens; octets, seconds and events are there by themselves.'),
    tariffs: listOf(tariffFormat).exactOptional().describe('Prices.'),
    accessPlans: listOf(accessPlanFormat)
      .exactOptional()
      .describe('What network access over RADIUS gives.'),
    plans: listOf(planFormat).exactOptional().describe('What subscribers get.'),
    accounts: listOf(accountFormat).exactOptional().describe('Balances.'),
    subscribers: listOf(subscriberFormat).exactOptional().describe('Who the network asks for.'),
    sharingGroups: listOf(sharingGroupFormat)
      .exactOptional()
      .describe("Accounts that draw on another's buckets."),
  })
  .meta(TENANT);

const fileFields = {
  $schema: z
    .string({ error: 'text' })
    .meta({ expected: 'text' })
    .exactOptional()
    .describe('For editors; not read.'),
  version: z
    .literal(FORMAT_VERSION, { error: `${FORMAT_VERSION}, the version of this format` })
    .meta({ expected: String(FORMAT_VERSION) })
    .describe(`Version of this format: ${FORMAT_VERSION}.`),
};

export const fileHeadFormat = z.strictObject({
  ...fileFields,
  tenants: listOf(entries).exactOptional(),
  diameterPeers: listOf(entries).exactOptional(),
  nas: listOf(entries).exactOptional(),
  addressPools: listOf(entries).exactOptional(),
});

export const fileFormat = z
  .strictObject({
    ...fileFields,
    tenants: listOf(tenantFormat).exactOptional().describe('Tenants with all that is theirs.'),
    diameterPeers: listOf(peerFormat).exactOptional().describe('Who may connect by Diameter.'),
    nas: listOf(nasFormat).exactOptional().describe('Who may ask by RADIUS.'),
    addressPools: listOf(addressPoolFormat)
      .exactOptional()
      .describe('Addresses that sessions are given.'),
  })
  .meta({ title: 'tolld operator file', description: 'What `tolld load` declares.' });

export type ResourceFields = z.infer<typeof resourceFormat>;
export type TenantHeadFields = z.infer<typeof tenantHeadFormat>;
export type FileHeadFields = z.infer<typeof fileHeadFormat>;
