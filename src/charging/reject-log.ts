/**
 * Who was turned away, and why: the latest of them, for staff. Kept in Redis and bounded, since many
 * belong to nobody's account, and a device that tries for ever must not fill the record.
 */
import { REJECT_REASONS, type RejectReason } from '../domain/access.js';
import type { Engine } from './engine.js';

export interface LoginRejection {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: RejectReason;
  readonly nas: string;
  readonly networkScope: string;
  readonly userName: string | null;
  readonly station: string | null;
  readonly method: string;
  readonly connection: string;
  /** Whose it was; null where nobody knows the name. */
  readonly tenant: string | null;
  readonly subscription: string | null;
}

export const REJECTIONS_KEPT = 10_000;

/** Keeps a rejection; the oldest goes. */
export async function logRejection(engine: Engine, rejection: LoginRejection): Promise<void> {
  await engine.redis.xadd(
    engine.keys.rejects,
    'MAXLEN',
    '~',
    REJECTIONS_KEPT,
    '*',
    'r',
    JSON.stringify(rejection),
  );
}

/** The latest rejections, newest first. */
export async function readRejections(
  engine: Engine,
  { countMax }: { readonly countMax: number },
): Promise<readonly LoginRejection[]> {
  const entries = await engine.redis.xrevrange(engine.keys.rejects, '+', '-', 'COUNT', countMax);
  return entries.flatMap(([, fields]) => {
    const rejection = JSON.parse(fields[1] ?? 'null') as LoginRejection | null;
    return rejection !== null && REJECT_REASONS.includes(rejection.reason) ? [rejection] : [];
  });
}
