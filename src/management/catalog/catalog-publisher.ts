/**
 * Brings the newest version of the configuration to Redis, from where every process takes it up.
 * What Redis holds may be looked at as well: a server that lost its last second has an older one.
 */
import type pg from 'pg';
import type { Catalog } from '../../rating/catalog.js';
import type { Logger } from '../../observability/logger.js';
import type { EngineFace } from '../engine-face.js';
import { boundIdleTime, lockConfiguration, type Transact } from '../transaction.js';
import { readCatalog } from './catalog-document.js';
import { rateChanges, type RateChange } from './rate-changes.js';

export interface CatalogPublisher {
  /**
   * Publishes the newest version unless that was done. With `check`, Redis is asked what it holds.
   * @returns the version that was published now, or null.
   */
  publish(options: { readonly check: boolean }): Promise<number | null>;
}

export interface CatalogPublisherDependencies {
  readonly transact: Transact;
  readonly engine: Pick<EngineFace, 'publishConfiguration' | 'readConfiguration'>;
  readonly logger: Logger;
  readonly clock: () => number;
}

/** No grant is valid for longer: a later change of rates reaches each session by itself. */
const RATED_AHEAD_MS = 24 * 3_600_000;

export function createCatalogPublisher({
  transact,
  engine,
  logger,
  clock,
}: CatalogPublisherDependencies): CatalogPublisher {
  let complainedOf = 0;

  /** Before the version reaches Redis: what differs can't be told afterwards. */
  async function noteRateChanges(client: pg.PoolClient): Promise<void> {
    await boundIdleTime(client);
    await lockConfiguration(client);
    const { newest } = await readVersions(client);
    const held = await engine.readConfiguration();
    if (held === null || held.version >= newest) return;
    const changes = differences(held.document, await readCatalog(client));
    for (const { tenant, tariffs, plans } of changes) {
      await client.query(
        `INSERT INTO tolld.rate_changes (config_version, tenant, tariffs, plans)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        [newest, tenant, tariffs, plans],
      );
    }
  }

  function differences(before: string, after: Catalog): readonly RateChange[] {
    try {
      return rateChanges(JSON.parse(before) as Catalog, after, clock() + RATED_AHEAD_MS);
    } catch (error) {
      // Of another version of tolld: sessions take the change up by themselves.
      logger.warn({ err: error }, 'what changes for sessions under way can not be told');
      return [];
    }
  }

  async function publishNewest(client: pg.PoolClient): Promise<number | null> {
    await boundIdleTime(client);
    // Nobody changes the configuration or publishes it until this is done.
    await lockConfiguration(client);
    const { newest } = await readVersions(client);
    const held = (await engine.readConfiguration())?.version ?? 0;
    if (held > newest) {
      complain(held, newest);
      return null;
    }
    if (held < newest) {
      const catalog = await readCatalog(client);
      await engine.publishConfiguration(newest, JSON.stringify(catalog));
      logger.info({ version: newest }, 'configuration published');
    }
    await client.query(
      `UPDATE tolld.config_versions SET published_at = now()
       WHERE published_at IS NULL AND version <= $1`,
      [newest],
    );
    return held < newest ? newest : null;
  }

  function complain(held: number, newest: number): void {
    if (complainedOf === held) return;
    complainedOf = held;
    logger.error(
      { held, newest },
      'redis holds a newer configuration than postgres: one of the two is not of this installation',
    );
  }

  return {
    async publish({ check }) {
      const { newest, unpublished } = await transact(readVersions);
      if (newest === 0 || (unpublished === 0 && !check)) return null;
      if (unpublished === 0 && (await engine.readConfiguration())?.version === newest) return null;
      await transact(noteRateChanges);
      return transact(publishNewest);
    },
  };
}

interface Versions {
  /** 0 before the first. */
  readonly newest: number;
  readonly unpublished: number;
}

async function readVersions(client: pg.PoolClient): Promise<Versions> {
  const { rows } = await client.query<{ newest: string | null; unpublished: string }>(
    `SELECT max(version) AS newest, count(*) FILTER (WHERE published_at IS NULL) AS unpublished
     FROM tolld.config_versions`,
  );
  return { newest: Number(rows[0]?.newest ?? 0), unpublished: Number(rows[0]?.unpublished ?? 0) };
}
