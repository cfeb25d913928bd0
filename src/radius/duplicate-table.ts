/**
 * Requests that may come again [RFC 5080 2.2.2]: known by where they came from (address, port and
 * socket) and their identifier, and told from new ones by their authenticator. An identifier with
 * another authenticator is a new request, and the old one is forgotten; until it has ended it counts
 * as under way.
 */

export interface DuplicateTableOptions {
  /** How long an answer is kept to be sent again. */
  readonly answeredMs: number;
  /** How long a request may wait for its answer before it is given up. */
  readonly pendingMs: number;
}

export interface RequestMark {
  /** Where it came from: identifiers are unique within it. */
  readonly source: string;
  readonly identifier: number;
  /**
   * Octets as characters, as the reply's are kept: a part of the datagram would keep all of it for
   * seconds, and a Buffer of its own is several objects, some of them outside of the heap.
   */
  readonly authenticator: string;
}

export interface NewRequest extends RequestMark {
  /** Whose share of the requests under way it takes. */
  readonly client: string;
}

/** One request under way or answered. */
export interface RequestEntry {
  readonly source: string;
  readonly identifier: number;
  readonly client: string;
}

interface MutableEntry extends RequestEntry {
  readonly authenticator: string;
  /** `replaced`: another one has its identifier, while what it asked for is still under way. */
  state: 'pending' | 'replaced' | 'answered' | 'forgotten';
  reply: string | null;
  /** When the entry is looked at next, by the caller's clock. */
  dueAt: number;
}

export type KnownRequest =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'answered'; readonly reply: Buffer };

const UNKNOWN: KnownRequest = { kind: 'unknown' };
const PENDING: KnownRequest = { kind: 'pending' };

export class DuplicateTable {
  readonly #options: DuplicateTableOptions;
  readonly #sources = new Map<string, Map<number, MutableEntry>>();
  readonly #pendingByClient = new Map<string, number>();
  /** In the order they become due, since each queue has one lifetime. */
  readonly #pendingQueue = new EntryQueue();
  readonly #answeredQueue = new EntryQueue();
  #pending = 0;

  constructor(options: DuplicateTableOptions) {
    this.#options = options;
  }

  /** Requests that wait for their answer. */
  get pending(): number {
    return this.#pending;
  }

  /** Those of one client. */
  pendingOf(client: string): number {
    return this.#pendingByClient.get(client) ?? 0;
  }

  /** Sources with anything kept. */
  get sources(): number {
    return this.#sources.size;
  }

  /** Whether the request was here before. */
  find(mark: RequestMark, now: number): KnownRequest {
    const known = this.#sources.get(mark.source)?.get(mark.identifier);
    if (known?.authenticator !== mark.authenticator) return UNKNOWN;
    if (known.state === 'pending') return PENDING;
    if (known.reply === null || known.dueAt <= now) return UNKNOWN;
    return { kind: 'answered', reply: Buffer.from(known.reply, 'latin1') };
  }

  /** Begins a request that {@link find} does not know; it takes the place of any other. */
  begin(request: NewRequest, now: number): RequestEntry {
    const dueAt = now + this.#options.pendingMs;
    const { source, identifier, authenticator, client } = request;
    // Spelled out: a spread costs several times as much, once per request.
    const begun: MutableEntry = {
      source,
      identifier,
      authenticator,
      client,
      state: 'pending',
      reply: null,
      dueAt,
    };
    const entries = this.#sources.get(source);
    if (entries === undefined) this.#sources.set(source, new Map([[identifier, begun]]));
    else {
      const replaced = entries.get(identifier);
      if (replaced !== undefined) replace(replaced);
      entries.set(identifier, begun);
    }
    this.#pending += 1;
    this.#pendingByClient.set(client, this.pendingOf(client) + 1);
    this.#pendingQueue.push(begun);
    return begun;
  }

  /** Keeps the answer of a request; false when the request was given up or replaced meanwhile. */
  answer(entry: RequestEntry, reply: Buffer, now: number): boolean {
    const begun = entry as MutableEntry;
    if (begun.state !== 'pending') {
      this.#leave(begun);
      return false;
    }
    this.#endPending(begun);
    begun.state = 'answered';
    begun.reply = reply.toString('latin1');
    begun.dueAt = now + this.#options.answeredMs;
    this.#answeredQueue.push(begun);
    return true;
  }

  /** Gives a request up: it was not answered, and its resend is to be taken as new. */
  abandon(entry: RequestEntry): void {
    this.#forget(entry as MutableEntry);
  }

  /** Forgets what is too old. Returns how many requests were given up without an answer. */
  sweep(now: number): number {
    let givenUp = 0;
    for (const entry of this.#pendingQueue.takeDue(now, (one) => !isUnderWay(one))) {
      if (entry.state === 'pending') givenUp += 1;
      if (isUnderWay(entry)) this.#forget(entry);
    }
    for (const entry of this.#answeredQueue.takeDue(now, ({ state }) => state === 'forgotten')) {
      this.#forget(entry);
    }
    return givenUp;
  }

  #endPending({ client }: MutableEntry): void {
    this.#pending -= 1;
    const left = this.pendingOf(client) - 1;
    if (left === 0) this.#pendingByClient.delete(client);
    else this.#pendingByClient.set(client, left);
  }

  #leave(entry: MutableEntry): void {
    if (isUnderWay(entry)) this.#endPending(entry);
    entry.state = 'forgotten';
    entry.reply = null;
  }

  #forget(entry: MutableEntry): void {
    this.#leave(entry);
    const entries = this.#sources.get(entry.source);
    if (entries?.get(entry.identifier) !== entry) return;
    entries.delete(entry.identifier);
    if (entries.size === 0) this.#sources.delete(entry.source);
  }
}

function isUnderWay({ state }: MutableEntry): boolean {
  return state === 'pending' || state === 'replaced';
}

/** An identifier used again and again must not begin more than there is room for. */
function replace(entry: MutableEntry): void {
  entry.state = entry.state === 'pending' ? 'replaced' : 'forgotten';
  entry.reply = null;
}

/** First in, first out, without moving what stays. */
class EntryQueue {
  #entries: MutableEntry[] = [];
  #head = 0;

  push(entry: MutableEntry): void {
    this.#entries.push(entry);
  }

  /** Takes the entries that are due, and those before them that are of no more use. */
  takeDue(now: number, isUseless: (entry: MutableEntry) => boolean): MutableEntry[] {
    const due: MutableEntry[] = [];
    for (;;) {
      const entry = this.#entries[this.#head];
      if (entry === undefined || (entry.dueAt > now && !isUseless(entry))) break;
      due.push(entry);
      this.#head += 1;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return due;
  }
}
