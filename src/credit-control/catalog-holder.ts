/**
 * The catalog this process rates with: read from what management published, compiled, and replaced
 * whole when a newer version appears. A request keeps the one it began with.
 */
import { readConfiguration } from '../charging/provisioning.js';
import type { Engine } from '../charging/engine.js';
import type { Logger } from '../observability/logger.js';
import { compileCatalog, type Catalog, type CompiledCatalog } from '../rating/catalog.js';

export interface CatalogHolder {
  /** The catalog in force; an empty one before anything was published. */
  current(): CompiledCatalog;
  /**
   * Takes up a newer version where one is published. Returns whether there was one. A version that
   * does not compile here is logged and the one in force stays.
   */
  refresh(): Promise<boolean>;
  /** Called with each new version. */
  onChange(listener: (catalog: CompiledCatalog) => void): void;
}

const EMPTY: Catalog = { tenants: [], diameterPeers: [] };

export function createCatalogHolder(dependencies: {
  readonly engine: Engine;
  readonly logger: Logger;
}): CatalogHolder {
  const { engine, logger } = dependencies;
  const listeners: ((catalog: CompiledCatalog) => void)[] = [];
  let current = compileCatalog(0, EMPTY);
  let refused = 0;

  async function refresh(): Promise<boolean> {
    const published = await readConfiguration(engine);
    if (published === null) return false;
    if (published.version <= current.version || published.version === refused) return false;
    try {
      current = compileCatalog(published.version, JSON.parse(published.document) as Catalog);
    } catch (error) {
      refused = published.version;
      logger.error({ err: error, version: published.version }, 'published catalog refused');
      return false;
    }
    logger.info({ version: current.version }, 'catalog in force');
    for (const listener of listeners) listener(current);
    return true;
  }

  return {
    current: () => current,
    refresh,
    onChange: (listener) => {
      listeners.push(listener);
    },
  };
}
