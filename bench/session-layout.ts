/**
 * How is a session best kept in Redis: one packed value, or a hash with a field per service and
 * per stored answer? Each layout is a Lua script of session-layout/; a request changes the header,
 * the services it touches, and one answer of a window of eight.
 */
import { readNumbers } from './flags.js';
import { compareLayouts } from './layout-rounds.js';

const LAYOUTS = ['packed', 'packed-nested', 'fields', 'answers-apart'] as const;

/** Services touched by a request, of those the session has. */
const SIZES: readonly (readonly [touched: number, services: number])[] = [
  [1, 1],
  [1, 4],
  [4, 4],
  [1, 8],
  [8, 8],
];

const NOW = 1_795_000_000_000;

const HEADER = [1, 1, 'a00001234', NOW - 60_000, 17, NOW, NOW + 7_200_000, NOW + 7_200_000, 2];
const SERVICE = [
  ...[1, 17, 123_456_789, 1_234_567, ['b00001234', 10_485_760, 10_485_760], 10_485_760],
  ...[NOW + 3_600_000, 'EUR', 'base-data@3', '2026-11', 0, 0, [123_456_789, 0], false, 'base -'],
];
const ANSWER = [17, NOW, ['rg1', 2, 10_485_760, 3600, false, 1_234_567, 'EUR'], 'f3a29c81d0b4e657'];

export async function run(args: readonly string[]): Promise<void> {
  await compareLayouts({
    bench: 'session-layout',
    layouts: LAYOUTS,
    sizes: SIZES.map(([touched, services]) => ({
      size: `${String(touched)}/${String(services)}`,
      args: [
        ...[String(NOW), '1000'],
        ...Array.from({ length: touched }, (_, i) => `rg${String(services - i)}`),
      ],
      seedArgs: () => [
        ...[HEADER, SERVICE, ANSWER].map((value) => JSON.stringify(value)),
        String(services),
      ],
    })),
    ...readNumbers(args, { rounds: 5, requests: 20_000 }),
    headline: {
      size: '1/1',
      value: 'fields',
      reference: 'packed',
      unit: 'requests/s, a field per service and answer, 1 service, AOF always',
    },
  });
}
