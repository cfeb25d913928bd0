/** How an operator file writes accounts, their buckets, and the subscribers that use them. */
import { z } from 'zod';
import { IDENTITY_KINDS } from '../../../domain/identity.js';
import { PLAN_LIMITS, PRIORITY_DEFAULTS } from '../../../rating/plan.js';
import { subscriberAccessFormat } from './access-format.js';
import {
  balance,
  choice,
  flag,
  identifier,
  limit,
  listOf,
  quantity,
  signedDecimal,
  someOf,
  timestamp,
  wholeNumber,
  wireText,
} from './field.js';

const UNSIGNED_32_MAX = 2 ** 32 - 1;

export const scopeFormat = z
  .strictObject({
    serviceContexts: someOf(wireText('a Service-Context-Id, such as "32251@3gpp.org"'))
      .exactOptional()
      .describe('Service contexts.'),
    ratingGroups: someOf(wholeNumber(0, UNSIGNED_32_MAX))
      .exactOptional()
      .describe('Rating groups.'),
    zones: someOf(identifier()).exactOptional().describe('Zones of a tariff of the tenant.'),
    bands: someOf(identifier()).exactOptional().describe('Time bands of a tariff of the tenant.'),
  })
  .meta({
    id: 'Scope',
    description: 'What a bucket may pay for: everything named must hold.',
  });

const validityFormat = z
  .strictObject({
    from: timestamp().exactOptional().describe('First moment; when it is granted where absent.'),
    until: timestamp()
      .exactOptional()
      .describe('First moment after its end; no end where absent. It may be moved later.'),
    duration: quantity()
      .exactOptional()
      .describe('Time it lasts from its start ("30 days"), instead of `until`.'),
    starts: choice(['at-once', 'first-use'])
      .exactOptional()
      .describe(
        '`at-once` where absent. `first-use`: armed until something is charged to it; `duration` ' +
          'then counts from there, and `until` is the last moment to begin.',
      ),
    after: identifier()
      .exactOptional()
      .describe(
        'Instead of `from` and `starts`: waits until this bucket or bundle of the account is used ' +
          'up or over, then lasts for `duration`.',
      ),
  })
  .meta({ id: 'Validity', description: 'When a bucket may be used.' });

/** What a bucket of an account and one of a plan have in common. */
export const bucketTerms = {
  resource: identifier().describe('"octets", "seconds", "events", or a money resource.'),
  amount: balance().describe(
    'What is granted, once: "20.00" for money, 5000000000 or "5 GB" for units.',
  ),
  priority: wholeNumber(0, PLAN_LIMITS.priorityMax)
    .exactOptional()
    .describe(
      `Lower is used first. Where absent: ${PRIORITY_DEFAULTS.units} for units, ` +
        `${PRIORITY_DEFAULTS.money} for money.`,
    ),
  step: quantity()
    .exactOptional()
    .describe('A unit bucket pays in multiples of this ("60 s"); 1 where absent.'),
  blocker: flag()
    .exactOptional()
    .describe('`true`: what this bucket cannot pay, none behind it pays.'),
  scope: scopeFormat.exactOptional().describe('Anything where absent.'),
  creditLimit: limit()
    .exactOptional()
    .describe('How far below zero money may go (postpaid); "0" where absent. May change later.'),
};

export const bucketFormat = z
  .strictObject({
    id: identifier().describe(
      'Name, unique in the account for ever: a bucket is granted once by its id.',
    ),
    ...bucketTerms,
    validity: validityFormat.exactOptional().describe('For ever where absent.'),
    bundle: identifier()
      .exactOptional()
      .describe('Buckets of one bundle start together at the first use of any.'),
    floor: signedDecimal()
      .exactOptional()
      .describe('Instead of `creditLimit`: the lowest value that charging may reach.'),
  })
  .meta({ id: 'Bucket', description: 'An amount of one resource that an account holds.' });

export const thresholdFormat = z
  .strictObject({
    id: identifier().describe('Name, unique in its list; it stands on each event.'),
    resource: identifier().describe('What is watched.'),
    bundle: identifier()
      .exactOptional()
      .describe('Only what this bundle has of it; all that the account has where absent.'),
    percent: wholeNumber(0, 100)
      .exactOptional()
      .describe('What is left, in percent of what was granted.'),
    amount: balance().exactOptional().describe('Instead of `percent`: what is left.'),
  })
  .meta({
    id: 'Threshold',
    description:
      'Told once when what is left falls to it, and armed again by a credit above it. It has ' +
      'either `percent` or `amount`.',
  });

const accountFields = {
  id: identifier().describe('Name, unique over all tenants; events and commands use it.'),
  tariff: identifier()
    .exactOptional()
    .describe('Tariff of its subscribers that name none of their own.'),
  standing: choice(['active', 'suspended', 'closed'])
    .exactOptional()
    .describe('`active` at first; where absent later, it stays as it is.'),
  thresholds: listOf(thresholdFormat)
    .exactOptional()
    .describe('All of them: one that no longer stands here is watched no more.'),
};

export const accountFormat = z
  .strictObject({
    ...accountFields,
    buckets: listOf(bucketFormat).exactOptional().describe('Granted once each, never set.'),
  })
  .meta({ id: 'Account', description: 'What subscribers are charged to: buckets in one place.' });

/** An account without a look at its buckets: one with a fault must not hide those of others. */
export const accountHeadFormat = z.strictObject({
  ...accountFields,
  buckets: listOf(z.unknown()).exactOptional(),
});

const identityFormat = z
  .strictObject({
    kind: choice(IDENTITY_KINDS).describe('What the network calls it.'),
    value: wireText('text in quotes').describe(
      'In quotes: imsi and e164 as digits, mac in any spelling, others as the network sends them.',
    ),
    networkScope: identifier()
      .exactOptional()
      .describe('Where it is unique, named by the peers that send it; `default` where absent.'),
  })
  .meta({ id: 'Identity', description: 'How the network names a subscriber.' });

export const subscriberFormat = z
  .strictObject({
    id: identifier().describe('Name, unique over all tenants; events carry it.'),
    account: identifier().describe('Account that is charged.'),
    tariff: identifier()
      .exactOptional()
      .describe("Own tariff; the plan's where absent, or else the account's."),
    plan: identifier()
      .exactOptional()
      .describe('What the subscriber gets: each bundle of the plan is granted to it once.'),
    closed: flag()
      .exactOptional()
      .describe('`true` ends the subscriber and releases its identities.'),
    identities: listOf(identityFormat)
      .exactOptional()
      .describe('All of them: one that no longer stands here is released.'),
    access: subscriberAccessFormat
      .exactOptional()
      .describe('How it comes in over RADIUS; not at all where absent.'),
  })
  .meta({ id: 'Subscriber', description: 'Somebody the network asks for.' });

export type ThresholdFields = z.infer<typeof thresholdFormat>;
export type BucketFields = z.infer<typeof bucketFormat>;
export type ValidityFields = z.infer<typeof validityFormat>;
export type ScopeFields = z.infer<typeof scopeFormat>;
export type AccountHeadFields = z.infer<typeof accountHeadFormat>;
export type IdentityFields = z.infer<typeof identityFormat>;
export type SubscriberFields = z.infer<typeof subscriberFormat>;
