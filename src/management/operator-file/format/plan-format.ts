/** How an operator file writes plans: what a subscriber is granted, and how it is charged. */
import { CONSUMPTION_ORDERS } from '../../../domain/consumption-order.js';
import { z } from 'zod';
import { PLAN_LIMITS } from '../../../rating/plan.js';
import { bucketTerms, thresholdFormat } from './account-format.js';
import { balance, choice, flag, identifier, label, listOf, someOf, wholeNumber } from './field.js';
import { policyFormat } from './policy-format.js';
import { finalUnitFormat } from './tariff-format.js';

const planBucketFormat = z
  .strictObject({
    id: identifier().describe('Name, unique in the plan.'),
    ...bucketTerms,
  })
  .meta({ id: 'PlanBucket', description: 'An amount of one resource that a plan grants.' });

const planValidityFormat = z
  .strictObject({
    count: wholeNumber(1, PLAN_LIMITS.validityCountMax).describe('How many.'),
    unit: choice(['hours', 'days', 'weeks', 'months']).describe(
      "Days and months of the calendar, in the tariff's zone, where the bundle begins at once; " +
        'elsewhere a day is 24 hours, and there are no months.',
    ),
    wholeDays: flag()
      .exactOptional()
      .describe('`true`: ends at the midnight after the last day, not at the hour it began.'),
  })
  .meta({ id: 'PlanValidity', description: 'How long a bundle lasts from its beginning.' });

const bundleFormat = z
  .strictObject({
    id: identifier().describe('Name, unique in the plan.'),
    begins: choice(['at-once', 'first-use'])
      .exactOptional()
      .describe('`at-once` where absent: with the grant. `first-use`: with the first charge.'),
    after: identifier()
      .exactOptional()
      .describe('Instead of `begins`: the bundle of the plan that must be used up or over first.'),
    validity: planValidityFormat.exactOptional().describe('Endless where absent.'),
    buckets: someOf(planBucketFormat).describe('They begin and end together.'),
  })
  .meta({ id: 'Bundle', description: 'Buckets that begin and end together.' });

const consumptionOrderFormat = z
  .strictObject({
    resource: identifier().describe('A resource of the tenant.'),
    order: choice(CONSUMPTION_ORDERS).describe('Which of several buckets goes first.'),
  })
  .meta({ id: 'PlanOrder', description: "An order that differs from the resource's own." });

const lowBalanceFormat = z
  .strictObject({
    resource: identifier().describe('What is watched: all that the account has of it.'),
    amount: balance().describe('At this much or less the balance is low.'),
  })
  .meta({
    id: 'LowBalance',
    description: 'When answers carry Low-Balance-Indication [3GPP TS 32.299 7.2.101A].',
  });

export const planFormat = z
  .strictObject({
    code: identifier().describe('Name, unique in the tenant; subscribers use it.'),
    name: label().exactOptional().describe('Words for people.'),
    retired: flag()
      .exactOptional()
      .describe('`true` takes the plan out of use; nothing may name it any more.'),
    tariff: identifier().describe('Tariff of its subscribers that name none of their own.'),
    consumptionOrders: listOf(consumptionOrderFormat)
      .exactOptional()
      .describe("Orders that differ from the resources' own."),
    finalUnit: finalUnitFormat
      .exactOptional()
      .describe("What happens when the last units are used; the tariff's quota where absent."),
    policy: policyFormat
      .exactOptional()
      .describe("What differs from the tenant's policy for these subscribers."),
    bundles: listOf(bundleFormat)
      .exactOptional()
      .describe('Granted to each subscriber once, into its account.'),
    thresholds: listOf(thresholdFormat)
      .exactOptional()
      .describe("Watched in each subscriber's account."),
    lowBalance: lowBalanceFormat.exactOptional().describe('Only at the end of all where absent.'),
  })
  .meta({
    id: 'Plan',
    description:
      'What subscribers get: a tariff, bundles, thresholds, and how charging decides for them.',
  });

export type PlanFields = z.infer<typeof planFormat>;
export type BundleFields = z.infer<typeof bundleFormat>;
