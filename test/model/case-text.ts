/**
 * Cases that once failed, as text: the world and what was done in it, a line for each bucket, price
 * and command. YAML, so that a comment can say what the case shows.
 */
import { Document, isPair, parse, visit } from 'yaml';
import type { Command, WorldPlan } from './workload.js';

export interface KeptCase {
  readonly plan: WorldPlan;
  readonly commands: readonly Command[];
}

/** What takes a line: each member of these lists, and each of these records. */
const LINES = new Set(['buckets', 'windows', 'commands']);
const SMALL = new Set(['policy', 'quota', 'sharing', 'thresholds', 'zones']);

export function writeCase(plan: WorldPlan, commands: readonly Command[], comment: string): string {
  const document = new Document({ ...plan, commands }, { aliasDuplicateObjects: false });
  document.commentBefore = ` ${comment}`;
  visit(document, {
    Collection: (key, node, ancestors) => {
      const pair = ancestors.at(typeof key === 'number' ? -2 : -1);
      const name = isPair(pair) ? String(pair.key) : '';
      if ((typeof key === 'number' ? LINES : SMALL).has(name)) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** @throws YAMLParseError for text that is none. */
export function readCase(text: string): KeptCase {
  const { commands, ...plan } = parse(text) as WorldPlan & { commands: readonly Command[] };
  return { plan, commands };
}
