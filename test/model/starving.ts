/** Sessions that were given their last units are told to ask again when units become free. */
import { freeOf, type Account, type Books, type Session } from './state.js';

/** What is free in each bucket of the accounts in which others than this session wait. */
export type FreeBefore = ReadonlyMap<string, ReadonlyMap<string, number>>;

export function noteFree(books: Books, sessionId: string): FreeBefore {
  const waited = books.accounts.filter(({ starved }) => starved.some((id) => id !== sessionId));
  return new Map(
    waited.map(({ id, buckets }) => [
      id,
      new Map(buckets.map((bucket) => [bucket.id, freeOf(books.world, bucket)])),
    ]),
  );
}

/** Names the others where more is free than before: they are told, and the account forgets them. */
export function nameStarved(
  { world, accounts }: Books,
  before: FreeBefore,
  sessionId: string,
  now: number,
): void {
  for (const account of accounts) {
    const free = before.get(account.id);
    const frees = account.buckets.some(
      (bucket) =>
        (bucket.state === 'active' || bucket.state === 'armed') &&
        (bucket.endsAt === null || bucket.endsAt > now) &&
        freeOf(world, bucket) > (free?.get(bucket.id) ?? Infinity),
    );
    if (!frees) continue;
    for (const id of account.starved) if (id !== sessionId) world.told.add(id);
    account.starved = account.starved.filter((id) => id === sessionId);
  }
}

/** Whether the account remembers that the session waits for units. */
export function rememberStarving(account: Account, { id, state, starving }: Session): void {
  const waits = state === 'open' && starving.size > 0;
  const others = account.starved.filter((other) => other !== id);
  if (!waits) account.starved = others;
  else if (!account.starved.includes(id)) account.starved = [...others, id];
}
