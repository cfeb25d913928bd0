/** The one row that ties this record to its Redis. */
import type pg from 'pg';

export interface Installation {
  readonly instanceId: string;
  readonly partitions: number;
}

/** The installation of this record, or null before its first start. */
export async function readInstallation(database: pg.Pool): Promise<Installation | null> {
  const { rows } = await database.query<{ instance_id: string; partitions: number }>(
    'SELECT instance_id, partitions FROM tolld.installation',
  );
  const [row] = rows;
  return row === undefined ? null : { instanceId: row.instance_id, partitions: row.partitions };
}

/** Writes the installation at the first start; whoever came first stands. */
export async function recordInstallation(
  database: pg.Pool,
  { instanceId, partitions }: Installation,
): Promise<void> {
  await database.query(
    `INSERT INTO tolld.installation (instance_id, partitions) VALUES ($1, $2)
     ON CONFLICT (singleton) DO NOTHING`,
    [instanceId, partitions],
  );
}
