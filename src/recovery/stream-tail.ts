/** The events of a partition that Postgres does not have yet, by account. */
import { decodeEntry, parseEntryId } from '../charging/event-codec.js';
import type { OutboxStreams } from '../charging/stream.js';
import type { ChargingEvent, EntryId } from '../domain/events.js';

export interface TailEvent {
  readonly sequence: number;
  /** The script's clock, ms since 1970. */
  readonly at: number;
  readonly event: ChargingEvent;
}

/** A hole in a stream, or an entry that can't be read. */
export interface TailFault {
  readonly kind: 'stream-gap' | 'undecodable';
  readonly after: string;
  readonly found: string;
  readonly reason: string | null;
}

const READ_COUNT = 500;

/** Reads a stream from where the record stood to its end, and on from there when asked again. */
export class StreamTail {
  readonly #partition: number;
  readonly #streams: Pick<OutboxStreams, 'read'>;
  readonly #events = new Map<string, TailEvent[]>();
  readonly faults: TailFault[] = [];
  #position: EntryId;

  constructor(
    { partition, after }: { readonly partition: number; readonly after: EntryId },
    { streams }: { readonly streams: Pick<OutboxStreams, 'read'> },
  ) {
    this.#partition = partition;
    this.#position = after;
    this.#streams = streams;
  }

  /** Reads what was added since the last time. */
  async extend(): Promise<void> {
    for (;;) {
      const found = await this.#streams.read(this.#partition, this.#position, READ_COUNT);
      for (const { id, packed } of found) this.#take(id, packed);
      if (found.length < READ_COUNT) return;
    }
  }

  /** Events of an account behind a sequence, up to and with another, in their order. */
  eventsOf(accountId: string, after: number, upTo: number): readonly TailEvent[] {
    const events = this.#events.get(accountId) ?? [];
    return events.filter(({ sequence }) => sequence > after && sequence <= upTo);
  }

  #take(id: string, packed: Buffer): void {
    const place = parseEntryId(id);
    const { epoch, n } = this.#position;
    const follows = place.epoch === epoch ? place.n === n + 1 : place.n === 0;
    if (!follows) {
      this.faults.push({ kind: 'stream-gap', after: `${epoch}-${n}`, found: id, reason: null });
    }
    this.#position = place;
    try {
      const entry = decodeEntry(this.#partition, id, packed);
      for (const { accountId, firstSequence, events } of entry.accounts) {
        let list = this.#events.get(accountId);
        if (list === undefined) {
          list = [];
          this.#events.set(accountId, list);
        }
        for (const [index, event] of events.entries()) {
          list.push({ sequence: firstSequence + index, at: entry.at, event });
        }
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.faults.push({ kind: 'undecodable', after: `${epoch}-${n}`, found: id, reason });
    }
  }
}
