/** How an operator file writes sharing groups. */
import { z } from 'zod';
import { scopeFormat } from './account-format.js';
import { choice, identifier, listOf, someOf } from './field.js';

export const sharingGroupFormat = z
  .strictObject({
    id: identifier().describe('Name, unique in the tenant.'),
    owner: identifier().describe('Account whose buckets are shared; a member of no group.'),
    members: listOf(identifier())
      .exactOptional()
      .describe('All accounts that may draw on them, each in one group: one left out has left.'),
    order: choice(['own-first', 'shared-first'])
      .exactOptional()
      .describe("At one priority: the member's own buckets first (where absent), or the owner's."),
    resources: someOf(identifier())
      .exactOptional()
      .describe('What is shared; everything where absent.'),
    scope: scopeFormat
      .exactOptional()
      .describe('Services that may draw on the owner; any where absent.'),
    status: choice(['active', 'suspended', 'cancelled'])
      .exactOptional()
      .describe(
        '`active` where absent. `suspended`: members pay themselves, and stay. `cancelled`: ' +
          'all have left.',
      ),
  })
  .meta({
    id: 'SharingGroup',
    description: "Accounts that draw on one owner's buckets in real time.",
  });

export type SharingGroupFields = z.infer<typeof sharingGroupFormat>;
