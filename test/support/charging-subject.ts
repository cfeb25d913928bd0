/** What charges: the real scripts, or the model that they are held to. Both answer alike. */
import type { ChargeOutcome, EnquiryOutcome } from '../../src/charging/charge-outcome.js';
import type { ChargeRequest } from '../../src/charging/charge-request.js';
import type {
  AccountProvision,
  CreditOutcome,
  CreditRequest,
} from '../../src/charging/provisioning.js';
import type {
  LegSnapshot,
  ServiceSnapshot,
  SessionSnapshot,
} from '../../src/charging/session-snapshot.js';
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type { DueTimer, SweepOutcome } from '../../src/charging/sweeping.js';
import type { OutboxEntry } from '../../src/domain/events.js';

/** A session but for what only the answers say. */
export type SessionState = Omit<SessionSnapshot, 'services'> & {
  readonly services: readonly (Omit<ServiceSnapshot, 'granted' | 'legs'> & {
    readonly legs: readonly Pick<LegSnapshot, 'bucketId' | 'reserved'>[];
  })[];
};

export interface ChargingSubject {
  charge(request: ChargeRequest): Promise<ChargeOutcome>;
  settle(request: ChargeRequest): Promise<ChargeOutcome>;
  enquire(request: ChargeRequest): Promise<EnquiryOutcome>;
  credit(request: CreditRequest): Promise<CreditOutcome>;
  provision(request: AccountProvision): Promise<boolean>;
  sweep(timer: DueTimer, now: number): Promise<SweepOutcome>;
  dueTimers(partition: number, now: number): Promise<readonly DueTimer[]>;
  account(partition: number, accountId: string): Promise<AccountSnapshot | null>;
  session(partition: number, sessionId: string): Promise<SessionState | null>;
  /** Drops ended, empty buckets; null while the record is behind the account's last event. */
  purge(partition: number, accountId: string, recordedSequence: number): Promise<number | null>;
  /** Closes a partition, as recovery does, or opens it again. */
  fence(partition: number, closed: boolean): Promise<void>;
  /** Sessions that were told to ask again, ever, in the order of their ids; nobody takes the tasks. */
  told(partition: number): Promise<readonly string[]>;
  /** What a partition's outbox got since the last call. */
  newEntries(partition: number): Promise<readonly OutboxEntry[]>;
}
