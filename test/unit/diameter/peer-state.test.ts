import { describe, expect, it } from 'vitest';
import {
  stepPeer,
  type PeerAction,
  type PeerEvent,
  type PeerState,
} from '../../../src/diameter/peer-state.js';

const EVENTS: PeerEvent[] = [
  'connected',
  'cer-accepted',
  'cer-refused',
  'election-lost',
  'rival-failed',
  'cea-accepted',
  'cea-refused',
  'disconnect-request',
  'disconnect-answer',
  'stop',
  'timeout',
  'unexpected',
  'disconnected',
];

/** What each state does besides staying (open, closing, closed) or disconnecting (the others). */
const ROWS: [PeerState, PeerEvent, PeerState, PeerAction[]][] = [
  ['connecting', 'connected', 'wait-cea', ['send-cer']],
  ['wait-cea', 'cea-accepted', 'open', ['opened']],
  ['wait-cer', 'cer-accepted', 'open', ['send-cea', 'opened']],
  ['wait-cer', 'cer-refused', 'closed', ['send-cea-and-disconnect']],
  ['wait-cer', 'election-lost', 'wait-returns', []],
  ['wait-returns', 'rival-failed', 'wait-cer', []],
  ['open', 'cer-accepted', 'open', ['send-cea']],
  ['open', 'cer-refused', 'closed', ['send-cea-and-disconnect']],
  ['open', 'disconnect-request', 'closing', ['send-dpa']],
  ['open', 'stop', 'closing', ['send-dpr']],
  ['open', 'timeout', 'closed', ['disconnect']],
  ['closing', 'disconnect-answer', 'closed', ['disconnect']],
  ['closing', 'timeout', 'closed', ['disconnect']],
  ['closing', 'disconnect-request', 'closing', ['send-dpa']],
];

const STAYING: PeerState[] = ['open', 'closing', 'closed'];
const LEAVING: PeerState[] = ['connecting', 'wait-cea', 'wait-cer', 'wait-returns'];

function rowless(states: PeerState[]): [PeerState, PeerEvent][] {
  return states.flatMap((state) =>
    EVENTS.filter(
      (event) =>
        event !== 'disconnected' && !ROWS.some((row) => row[0] === state && row[1] === event),
    ).map((event): [PeerState, PeerEvent] => [state, event]),
  );
}

describe('the peer state machine', () => {
  it.each(ROWS)('goes from %s on %s to %s', (state, event, next, actions) => {
    expect(stepPeer(state, event)).toEqual({ state: next, actions });
  });

  it.each([...LEAVING, ...STAYING])('is closed when the transport ends in %s', (state) => {
    expect(stepPeer(state, 'disconnected')).toEqual({ state: 'closed', actions: [] });
  });

  it.each(rowless(LEAVING))('drops a connection in %s on %s', (state, event) => {
    expect(stepPeer(state, event)).toEqual({ state: 'closed', actions: ['disconnect'] });
  });

  it.each(rowless(STAYING))('stays in %s on %s', (state, event) => {
    expect(stepPeer(state, event)).toEqual({ state, actions: [] });
  });
});
