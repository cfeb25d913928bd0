/** The kinds of traffic that `tolld simulate gy` offers by a word. */
import { DATA_TRAFFIC, type SimulatedTraffic } from '../local/gy-simulator/traffic.js';

export const TRAFFIC_WORDS = ['data', 'voice', 'sms'] as const;
export type TrafficWord = (typeof TRAFFIC_WORDS)[number];

const CALLED_PARTY = '491709999999';

/** A call of one to five minutes, asked for and reported minute by minute. */
const VOICE: SimulatedTraffic = {
  kind: 'voice',
  weight: 1,
  calledParty: CALLED_PARTY,
  updates: { min: 0, max: 4 },
  services: [
    { ratingGroup: null, unit: 'seconds', usePerStep: { min: 5, max: 60 }, requested: 60 },
  ],
};

const SMS: SimulatedTraffic = { kind: 'sms', weight: 1, calledParty: CALLED_PARTY };

export const TRAFFIC: Readonly<Record<TrafficWord, SimulatedTraffic>> = {
  data: DATA_TRAFFIC,
  voice: VOICE,
  sms: SMS,
};
