/** One call of a run, with everything that can be seen of it from outside. */
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type { OutboxEntry } from '../../src/domain/events.js';
import type { SessionState } from '../support/charging-subject.js';
import type { Call } from './driver.js';

export interface AuditedStep {
  readonly call: Call;
  readonly answer: unknown;
  /** What the outbox got by it. */
  readonly entries: readonly OutboxEntry[];
  /** The accounts it names, and perhaps others, as they are afterwards. */
  readonly accounts: ReadonlyMap<string, AccountSnapshot | null>;
  /** The session it names, as it is afterwards. */
  readonly session: SessionState | null;
}

/** The session a call is about; null for one about none. */
export function sessionOf(call: Call): string | null {
  switch (call.kind) {
    case 'charge':
    case 'settle':
      return call.request.sessionId;
    case 'sweep':
      return call.timer.member.startsWith('s:') ? call.timer.member.slice(2) : null;
    default:
      return null;
  }
}
