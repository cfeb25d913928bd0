/** NAS as the record has them, secrets sealed. */
import type pg from 'pg';
import type { AccessPlan } from '../../domain/access-plan.js';
import type { NasDeclaration } from '../../domain/nas.js';

export interface ListedNas {
  readonly declaration: NasDeclaration;
  readonly retired: boolean;
  readonly updatedAt: Date;
}

/** All NAS by name. */
export async function readNasList(client: pg.ClientBase): Promise<readonly ListedNas[]> {
  const { rows } = await client.query<{ definition: NasDeclaration; state: string; at: Date }>(
    'SELECT definition, state, updated_at AS at FROM tolld.nas ORDER BY name',
  );
  return rows.map(({ definition, state, at }) => ({
    declaration: definition,
    retired: state === 'retired',
    updatedAt: at,
  }));
}

/** Firewall lists of NAS that walled gardens of any tenant lead into, without doubles, by name. */
export async function readGardenLists(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ definition: AccessPlan }>(
    `SELECT definition FROM tolld.access_plans WHERE state = 'active'`,
  );
  const lists = rows.flatMap(({ definition }) => definition.garden?.addressList ?? []);
  return [...new Set(lists)].sort();
}
