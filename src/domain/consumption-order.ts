/** In which order buckets of one priority and resource are used (docs/charging.md). */
export const CONSUMPTION_ORDERS = [
  'earliest-expiring',
  'earliest-started',
  'latest-started',
  'smallest',
  'largest',
] as const;
export type ConsumptionOrder = (typeof CONSUMPTION_ORDERS)[number];
