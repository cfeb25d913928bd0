/**
 * Reads one message at a time into flat tables that are used again for the next: no object is made
 * per AVP. What no grammar names is checked and skipped, not copied. Values are taken from the
 * tables by typed slots, and the first fault, of structure or of a value, stays until the next
 * message.
 */
import { isUtf8 } from 'node:buffer';
import {
  AVP_FLAGS_RESERVED,
  AVP_FLAG_MANDATORY,
  AVP_FLAG_VENDOR,
  AVP_LENGTHS_EXACT,
  AVP_LENGTHS_LEAST,
  AVP_NAMES,
  avpPlace,
} from './avp-table.js';
import { exampleAvp, insideGroup, receivedAvp, type DecodeFault } from './decode-fault.js';
import { ResultCode } from './generated/enumerations.js';
import type {
  AddressSlot,
  GroupSlot,
  Integer32Slot,
  Integer64Slot,
  OctetsSlot,
  TextSlot,
  TimeSlot,
  Unsigned32Slot,
  Unsigned64Slot,
} from './generated/grammars.js';
import { GROUP_GRAMMARS, messageGrammar, SLOTS_MAX, type GrammarTable } from './grammar-table.js';
import type { DiameterLimits } from './limits.js';
import { HEADER_LENGTH, readHeader, isRequest, type MessageHeader } from './message-header.js';
import { padded, sliceHex, sliceLatin1, unsigned32 } from './octets.js';
import { safeText } from './network-text.js';
import { TextMemory } from './text-memory.js';
import { readAddress, readIntegerExact, timeToMs } from './avp-values.js';

/** An AVP of the message that was read last; 0 stands for none, and for the message as a group. */
export type Entry = number;

export const MESSAGE: Entry = 0;
export const NONE: Entry = 0;

type AnySlot =
  | AddressSlot
  | GroupSlot
  | Integer32Slot
  | Integer64Slot
  | OctetsSlot
  | TextSlot
  | TimeSlot
  | Unsigned32Slot
  | Unsigned64Slot;

/**
 * Columns of an entry's row. One array: its bounds are checked against one length, and a row lies
 * in one cache line.
 */
const ROW = 8;
const HEADER_AT = 0;
const DATA_AT = 1;
const DATA_END = 2;
const PLACE = 3;
/** Next entry of the same AVP in the same group. */
const NEXT = 4;
/** For the first entry of an AVP in a group, the last one. */
const LAST = 5;
/** For a group, where its slots begin; -1 for one that wasn't looked into. */
const SLOTS_AT = 6;

export type MessageReaderLimits = Pick<DiameterLimits, 'avpsMax' | 'depthMax' | 'failedAvpSizeMax'>;

export class MessageReader {
  readonly #limits: MessageReaderLimits;
  readonly #texts = new TextMemory((text) => text);
  readonly #safeTexts = new TextMemory(safeText);
  /** Rows of entries: see the columns above. */
  readonly #rows: Int32Array;
  readonly #slots: Int32Array;
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #entries = 0;
  #slotsUsed = 0;
  #avps = 0;
  #fault: DecodeFault | null = null;
  #header: MessageHeader = { flags: 0, command: 0, application: 0, hopByHop: 0, endToEnd: 0 };

  constructor(limits: MessageReaderLimits) {
    const size = limits.avpsMax + 1;
    this.#limits = limits;
    this.#rows = new Int32Array(size * ROW);
    this.#slots = new Int32Array(size * SLOTS_MAX);
  }

  get header(): MessageHeader {
    return this.#header;
  }

  /** What is wrong with the message, as far as it has been looked at. */
  get fault(): DecodeFault | null {
    return this.#fault;
  }

  /**
   * Reads a whole message, whose framing has been checked, by its command's grammar.
   * @returns what is wrong with it, or null. The tables hold what stood before the fault.
   */
  read(message: Buffer): DecodeFault | null {
    this.#header = readHeader(message);
    const grammar = messageGrammar(this.#header.command, isRequest(this.#header));
    if (grammar === undefined) {
      this.#reset(message);
      return this.#stop(ResultCode.DIAMETER_COMMAND_UNSUPPORTED, 'unknown command', null);
    }
    return this.readBy(grammar, message);
  }

  /** The same by a grammar of the caller's choice. */
  readBy(grammar: GrammarTable, message: Buffer): DecodeFault | null {
    this.#header = readHeader(message);
    this.#reset(message);
    this.#rows[MESSAGE * ROW + SLOTS_AT] = 0;
    this.#claimSlots(grammar);
    // Assigned only when it is one: a value's fault, found later, has the same place.
    const fault = this.#scan(HEADER_LENGTH, message.length, grammar, 0, 1);
    if (fault !== null) this.#fault = fault;
    return fault;
  }

  has(group: Entry, slot: AnySlot): boolean {
    return this.first(group, slot) !== NONE;
  }

  /** First AVP of a slot, or NONE. */
  first(group: Entry, slot: AnySlot): Entry {
    const base = this.#rows[group * ROW + SLOTS_AT] as number;
    return base < 0 ? NONE : (this.#slots[base + slot] as number);
  }

  /** The next AVP of the same slot, or NONE. */
  next(entry: Entry): Entry {
    return this.#rows[entry * ROW + NEXT] as number;
  }

  /** Octets of an AVP's value; 0 for NONE. */
  size(entry: Entry): number {
    return entry === NONE ? 0 : this.#end(entry) - this.#start(entry);
  }

  unsigned32(group: Entry, slot: Unsigned32Slot): number | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : this.unsigned32At(entry);
  }

  unsigned32At(entry: Entry): number {
    return unsigned32(this.#bytes, this.#start(entry));
  }

  /** Integer32 and Enumerated. */
  integer32(group: Entry, slot: Integer32Slot): number | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : this.unsigned32At(entry) | 0;
  }

  /** A `number` where it is exact, else a `bigint`. */
  unsigned64(group: Entry, slot: Unsigned64Slot): number | bigint | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : readIntegerExact(this.#bytes, this.#start(entry), false);
  }

  /** A `number` where it is exact, else a `bigint`. */
  integer64(group: Entry, slot: Integer64Slot): number | bigint | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : readIntegerExact(this.#bytes, this.#start(entry), true);
  }

  /** Milliseconds since 1970. */
  time(group: Entry, slot: TimeSlot): number | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : timeToMs(this.unsigned32At(entry));
  }

  /** An OctetString of one octet as a number; undefined when it is absent or of another length. */
  octet(group: Entry, slot: OctetsSlot): number | undefined {
    const entry = this.first(group, slot);
    return this.size(entry) === 1 ? this.#bytes[this.#start(entry)] : undefined;
  }

  /** First octet of an OctetString; undefined when there is none. */
  firstOctet(group: Entry, slot: OctetsSlot): number | undefined {
    const entry = this.first(group, slot);
    return this.size(entry) === 0 ? undefined : this.#bytes[this.#start(entry)];
  }

  /** An OctetString of four octets as a number, big end first; undefined when it is none. */
  octetsAsUnsigned32(group: Entry, slot: OctetsSlot): number | undefined {
    const entry = this.first(group, slot);
    return this.size(entry) === 4 ? this.unsigned32At(entry) : undefined;
  }

  /** The first octets of an OctetString in hexadecimal. */
  hexadecimal(group: Entry, slot: OctetsSlot, octetsMax: number): string | undefined {
    const entry = this.first(group, slot);
    if (entry === NONE) return undefined;
    const start = this.#start(entry);
    const end = Math.min(this.#end(entry), start + octetsMax);
    return sliceHex(this.#bytes, start, end);
  }

  /** The bytes themselves, not a copy. */
  octets(group: Entry, slot: OctetsSlot): Buffer | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : this.octetsAt(entry);
  }

  octetsAt(entry: Entry): Buffer {
    return this.#bytes.subarray(this.#start(entry), this.#end(entry));
  }

  /** Text of UTF8String, DiameterIdentity and alike; a fault (5004) when it isn't UTF-8. */
  text(group: Entry, slot: TextSlot): string | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : this.textAt(entry);
  }

  textAt(entry: Entry): string {
    const start = this.#start(entry);
    const end = this.#end(entry);
    let high = 0;
    for (let at = start; at < end; at += 1) high |= this.#bytes[at] as number;
    if (high < 0x80) return sliceLatin1(this.#bytes, start, end);
    if (!isUtf8(this.#bytes.subarray(start, end))) {
      this.reject(entry, ResultCode.DIAMETER_INVALID_AVP_VALUE, 'not UTF-8');
      return '';
    }
    return this.#bytes.toString('utf8', start, end);
  }

  /** The same for text that comes again and again: hosts, realms. */
  familiarText(group: Entry, slot: TextSlot): string | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : this.#recall(this.#texts, entry);
  }

  /** The same for text that is only shown: bounded and without control characters. */
  safeText(group: Entry, slot: TextSlot): string | undefined {
    const entry = this.first(group, slot);
    return entry === NONE ? undefined : this.#recall(this.#safeTexts, entry);
  }

  #recall(memory: TextMemory, entry: Entry): string {
    const start = this.#start(entry);
    const end = this.#end(entry);
    const known = memory.recall(this.#bytes, start, end);
    if (known !== undefined) return known;
    const text = this.textAt(entry);
    // What isn't UTF-8 must be found again, not remembered.
    return this.#fault === null ? memory.keep(this.#bytes, start, end, text) : text;
  }

  /** An IP address as text; a fault (5004) for another family or a wrong length. */
  address(group: Entry, slot: AddressSlot): string | undefined {
    const entry = this.first(group, slot);
    if (entry === NONE) return undefined;
    const start = this.#start(entry);
    const text = readAddress(this.#bytes, start, this.#end(entry));
    if (text === null) {
      this.reject(entry, ResultCode.DIAMETER_INVALID_AVP_VALUE, 'not an address');
      return '';
    }
    return text;
  }

  /** The AVP as received with its header and padding: to be given back as it came. */
  rawAvp(entry: Entry): Buffer {
    const start = this.#rows[entry * ROW + HEADER_AT] as number;
    const avp = Buffer.alloc(padded(this.#end(entry) - start));
    this.#bytes.copy(avp, 0, start, this.#end(entry));
    return avp;
  }

  /** Notes that an AVP's value can't be accepted. The first fault stays. */
  reject(entry: Entry, resultCode: number, what: string): void {
    if (this.#fault !== null) return;
    const place = this.#rows[entry * ROW + PLACE] as number;
    const failed = receivedAvp(
      this.#bytes,
      this.#rows[entry * ROW + HEADER_AT] as number,
      this.#end(entry),
      { place, sizeMax: this.#limits.failedAvpSizeMax },
    );
    this.#stop(resultCode, `${AVP_NAMES[place] ?? 'AVP'}: ${what}`, failed);
  }

  /** Notes that an AVP is missing which only this request needs [RFC 6733 7.1.5, 5005]. */
  missing(place: number): void {
    if (this.#fault !== null) return;
    this.#stop(
      ResultCode.DIAMETER_MISSING_AVP,
      `${AVP_NAMES[place] ?? 'AVP'} is missing`,
      exampleAvp(place),
    );
  }

  /** Where the value of an AVP begins and ends in the message. */
  #start(entry: Entry): number {
    return this.#rows[entry * ROW + DATA_AT] as number;
  }

  #end(entry: Entry): number {
    return this.#rows[entry * ROW + DATA_END] as number;
  }

  #reset(message: Buffer): void {
    this.#bytes = message;
    this.#view = new DataView(message.buffer, message.byteOffset, message.length);
    this.#entries = 0;
    this.#slotsUsed = 0;
    this.#avps = 0;
    this.#fault = null;
    this.#rows[MESSAGE * ROW + SLOTS_AT] = -1;
  }

  #stop(resultCode: number, reason: string, failedAvp: Buffer | null): DecodeFault {
    this.#fault = { resultCode, reason, failedAvp };
    return this.#fault;
  }

  #claimSlots(grammar: GrammarTable): number {
    const base = this.#slotsUsed;
    const end = base + grammar.slotCount;
    const slots = this.#slots;
    // A loop: fill() costs more than it saves for a few dozen.
    for (let slot = base; slot < end; slot += 1) slots[slot] = NONE;
    this.#slotsUsed = end;
    return base;
  }

  /** Walks the AVPs from `start` to `end`, each bounded by `end`, and enters those of the grammar. */
  #scan(
    start: number,
    end: number,
    grammar: GrammarTable,
    slotsAt: number,
    depth: number,
  ): DecodeFault | null {
    const view = this.#view;
    const slots = this.#slots;
    const { slotOf, once } = grammar;
    let at = start;
    while (at < end) {
      if (end - at < 8) return this.#lengthFault(at, end, -1);
      const code = view.getUint32(at);
      const word = view.getUint32(at + 4);
      const flags = word >>> 24;
      const length = word & 0xffffff;
      let header = 8;
      let vendor = 0;
      if ((flags & AVP_FLAG_VENDOR) !== 0) {
        if (end - at < 12) return this.#lengthFault(at, end, -1);
        header = 12;
        vendor = view.getUint32(at + 8);
      }
      const place = avpPlace(code, vendor);
      if (length < header || length > end - at) return this.#lengthFault(at, end, place);
      this.#avps += 1;
      if (this.#avps > this.#limits.avpsMax) return this.#tooMuch('too many AVPs');
      if ((flags & AVP_FLAGS_RESERVED) !== 0) {
        return this.#avpFault(
          ResultCode.DIAMETER_INVALID_AVP_BITS,
          'has unknown flags',
          at,
          end,
          place,
        );
      }
      if (place < 0) {
        if ((flags & AVP_FLAG_MANDATORY) !== 0) {
          return this.#avpFault(
            ResultCode.DIAMETER_AVP_UNSUPPORTED,
            `${vendor}/${code} is unknown`,
            at,
            end,
            place,
          );
        }
      } else {
        const size = length - header;
        const exact = AVP_LENGTHS_EXACT[place] as number;
        if (exact === 0 ? size < (AVP_LENGTHS_LEAST[place] as number) : size !== exact) {
          return this.#lengthFault(at, end, place);
        }
        const slot = slotOf[place] as number;
        if (slot >= 0) {
          const entry = this.#enter(at, at + header, at + length, place);
          const first = slots[slotsAt + slot] as number;
          if (first === NONE) {
            slots[slotsAt + slot] = entry;
            this.#rows[entry * ROW + LAST] = entry;
          } else if (once[slot] === 1) {
            return this.#avpFault(
              ResultCode.DIAMETER_AVP_OCCURS_TOO_MANY_TIMES,
              'occurs too many times',
              at,
              end,
              place,
            );
          } else {
            const last = this.#rows[first * ROW + LAST] as number;
            this.#rows[last * ROW + NEXT] = entry;
            this.#rows[first * ROW + LAST] = entry;
          }
          const inner = GROUP_GRAMMARS[place] as GrammarTable | null;
          if (inner !== null) {
            if (depth >= this.#limits.depthMax) return this.#tooMuch('groups nest too deeply');
            const innerSlots = this.#claimSlots(inner);
            this.#rows[entry * ROW + SLOTS_AT] = innerSlots;
            const fault = this.#scan(at + header, at + length, inner, innerSlots, depth + 1);
            if (fault !== null) {
              return { ...fault, failedAvp: insideGroup(place, fault.failedAvp) };
            }
          }
        } else if (!grammar.open && (flags & AVP_FLAG_MANDATORY) !== 0) {
          return this.#avpFault(
            ResultCode.DIAMETER_AVP_NOT_ALLOWED,
            'is not allowed here',
            at,
            end,
            place,
          );
        }
      }
      at += padded(length);
    }
    return this.#requirementFault(grammar, slotsAt);
  }

  #enter(headerAt: number, dataAt: number, dataEnd: number, place: number): Entry {
    const entry = this.#entries + 1;
    this.#entries = entry;
    const rows = this.#rows;
    const row = entry * ROW;
    rows[row + HEADER_AT] = headerAt;
    rows[row + DATA_AT] = dataAt;
    rows[row + DATA_END] = dataEnd;
    rows[row + PLACE] = place;
    rows[row + NEXT] = NONE;
    rows[row + SLOTS_AT] = -1;
    return entry;
  }

  #requirementFault(grammar: GrammarTable, slotsAt: number): DecodeFault | null {
    const required = grammar.required;
    for (let index = 0; index < required.length; index += 1) {
      const slot = required[index] as number;
      if (this.#slots[slotsAt + slot] !== NONE) continue;
      const place = grammar.places[slot] as number;
      const reason = `${AVP_NAMES[place] ?? 'AVP'} is missing from ${grammar.name}`;
      return { resultCode: ResultCode.DIAMETER_MISSING_AVP, reason, failedAvp: exampleAvp(place) };
    }
    return null;
  }

  #lengthFault(at: number, end: number, place: number): DecodeFault {
    return this.#avpFault(
      ResultCode.DIAMETER_INVALID_AVP_LENGTH,
      'has a wrong length',
      at,
      end,
      place,
    );
  }

  #avpFault(resultCode: number, what: string, at: number, end: number, place: number): DecodeFault {
    const sizeMax = this.#limits.failedAvpSizeMax;
    const failed =
      resultCode === ResultCode.DIAMETER_INVALID_AVP_LENGTH
        ? receivedAvp(this.#bytes, at, end, { place, sizeMax: 0 })
        : receivedAvp(this.#bytes, at, end, { place, sizeMax });
    return { resultCode, reason: `${AVP_NAMES[place] ?? 'AVP'} ${what}`, failedAvp: failed };
  }

  #tooMuch(reason: string): DecodeFault {
    return { resultCode: ResultCode.DIAMETER_UNABLE_TO_COMPLY, reason, failedAvp: null };
  }
}
