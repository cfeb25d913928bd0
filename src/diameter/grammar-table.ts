/** Grammars of messages and groups as flat tables: which AVPs, at least and at most how often. */
import { AVP_NAMES } from './avp-table.js';
import { GRAMMAR_ROWS, type GrammarRow } from './generated/grammars.js';

export interface GrammarTable {
  readonly name: string;
  readonly slotCount: number;
  /** Slot by place of the AVP; -1 where the grammar doesn't name it. */
  readonly slotOf: Int16Array;
  /** By slot: place of the AVP. */
  readonly places: Int16Array;
  /** By slot: 1 where the AVP may stand once, 0 where it may be repeated. */
  readonly once: Uint8Array;
  readonly required: readonly number[];
  /** Whether AVPs that the grammar doesn't name are welcome. */
  readonly open: boolean;
}

function tableOf(row: GrammarRow): GrammarTable {
  const slotOf = new Int16Array(AVP_NAMES.length).fill(-1);
  row.members.forEach(([place], slot) => (slotOf[place] = slot));
  return {
    name: row.name,
    slotCount: row.members.length,
    slotOf,
    places: Int16Array.from(row.members, ([place]) => place),
    once: Uint8Array.from(row.members, ([, , most]) => (most === 1 ? 1 : 0)),
    required: row.members.flatMap(([, least], slot) => (least > 0 ? [slot] : [])),
    open: row.open,
  };
}

const TABLES = GRAMMAR_ROWS.map(tableOf);

const key = (command: number, request: boolean): number => command * 2 + (request ? 1 : 0);

const BY_COMMAND = new Map(
  GRAMMAR_ROWS.flatMap((row, index) =>
    row.command < 0 ? [] : [[key(row.command, row.request), TABLES[index]] as const],
  ),
);

/** By place of a grouped AVP: its grammar, or null where its content isn't looked at. */
export const GROUP_GRAMMARS: readonly (GrammarTable | null)[] = AVP_NAMES.map((_, place) => {
  const index = GRAMMAR_ROWS.findIndex((row) => row.avp === place);
  return TABLES[index] ?? null;
});

export const SLOTS_MAX = Math.max(...TABLES.map((table) => table.slotCount));

/** Grammar of a message; undefined for a command that the dictionary doesn't know. */
export function messageGrammar(command: number, request: boolean): GrammarTable | undefined {
  return BY_COMMAND.get(key(command, request));
}
