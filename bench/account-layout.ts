/**
 * How is an account best kept in Redis: one packed value, or a hash cut into fields?
 * Each layout is a Lua script of account-layout/ that does the same small charge (header and two
 * buckets change); the rounds alternate between them on one server.
 */
import { readNumbers } from './flags.js';
import { compareLayouts } from './layout-rounds.js';

const LAYOUTS = [
  'packed',
  'packed-ordered',
  'packed-nested',
  'packed-slim',
  'packed-groups',
  'packed-slim-groups',
  'packed-flat',
  'packed-flat-groups',
  'fields',
  'fields-ordered',
  'fields-groups',
  'fields-flat-groups',
  'index',
  'index-amounts',
] as const;

const NOW = 1_795_000_000_000;
const DAY = 86_400_000;

export async function run(args: readonly string[]): Promise<void> {
  await compareLayouts({
    bench: 'account-layout',
    layouts: LAYOUTS,
    sizes: [2, 4, 10, 50].map((buckets) => ({
      size: String(buckets),
      args: [String(NOW), 'octets', '1000', '1000'],
      seedArgs: (account) => [
        JSON.stringify([1, 0, NOW, 'active', 7, 0, false, 'tenant1', 0, {}]),
        JSON.stringify(accountBuckets(account, buckets)),
      ],
    })),
    ...readNumbers(args, { rounds: 5, requests: 20_000 }),
    headline: {
      size: '4',
      value: 'packed-nested',
      reference: 'fields',
      unit: 'charges/s, nested packed value, 4 buckets, AOF always',
    },
  });
}

/** Two buckets in five count octets (all of up to four), not in their order of consumption. */
function accountBuckets(account: number, count: number): unknown[] {
  const others = ['seconds', 'events', 'EUR'];
  return Array.from({ length: count }, (_, i) => {
    const resource = count <= 4 || i % 5 < 2 ? 'octets' : (others[(i % 5) - 2] ?? 'EUR');
    const kind = resource === 'EUR' ? 'money' : 'units';
    const shuffled = (i * 7919 + account * 31) % 97;
    return [
      `b${String(account * 64 + i).padStart(8, '0')}`,
      resource,
      kind,
      10 + (shuffled % 3),
      'active',
      NOW - (shuffled + 1) * DAY,
      shuffled % 4 === 0 ? false : NOW + (shuffled + 1) * DAY,
      NOW - (shuffled + 2) * DAY - i,
      50_000_000_000 + shuffled,
      0,
      0,
      1,
      0,
      false,
      i % 2 === 0 ? `p${String(account * 8)}` : false,
      50_000_000_000 + shuffled,
    ];
  });
}
