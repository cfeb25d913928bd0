/** How charging decides where it has a choice: of a tenant, or of a plan where that differs. */
import { z } from 'zod';
import { CHARGING_POLICY_DEFAULTS, type ChargingPolicy } from '../../../rating/charging-policy.js';
import { choice, wholeNumber } from './field.js';

const DAY_SECONDS = 86_400;

/** A meaning that ends with what holds where nothing is said. */
function usual(key: keyof ChargingPolicy, meaning: string): string {
  return `${meaning} Where absent: ${CHARGING_POLICY_DEFAULTS[key]}.`;
}

export const policyFormat = z
  .strictObject({
    unknownSession: choice(['recreate', 'reject'])
      .exactOptional()
      .describe(
        usual(
          'unknownSession',
          'An update of an unknown session: charged in a new one, or refused.',
        ),
      ),
    overuse: choice(['write-off', 'debit'])
      .exactOptional()
      .describe(
        usual(
          'overuse',
          'Units that no bucket covers: uncollected, or money goes below its floor.',
        ),
      ),
    supervisionSecondsMin: wholeNumber(1, 30 * DAY_SECONDS)
      .exactOptional()
      .describe(
        usual('supervisionSecondsMin', 'The least silence after which a session is closed.'),
      ),
    retentionSeconds: wholeNumber(1, 7 * DAY_SECONDS)
      .exactOptional()
      .describe(
        usual(
          'retentionSeconds',
          'How long a finished session keeps its answers for late repeats.',
        ),
      ),
    graceSeconds: wholeNumber(0, DAY_SECONDS)
      .exactOptional()
      .describe(usual('graceSeconds', "How far a grant's validity may pass the end of a bucket.")),
    shortValiditySeconds: wholeNumber(1, DAY_SECONDS)
      .exactOptional()
      .describe(
        usual(
          'shortValiditySeconds',
          'Validity while other sessions hold units that may come back.',
        ),
      ),
  })
  .meta({
    id: 'Policy',
    description: 'How charging decides for the tenant; what is absent has its default.',
  });

export type PolicyFields = z.infer<typeof policyFormat>;
