/**
 * `tolld load`: makes the record what an operator file declares, or says everything that is wrong
 * with it. One transaction holds all of it, the intents and publications that bring it to Redis
 * included, so that nothing is ever half applied.
 */
import type { SecretBox } from '../../secret-box.js';
import { lockConfiguration, type Transact } from '../transaction.js';
import type { PlannedChange } from './plan/findings.js';
import { planLoad } from './plan/plan.js';
import { readCurrentState } from './plan/state-reader.js';
import { writePlan, type WriteOptions } from './plan/write-plan.js';
import { OperatorFileError, type FileFault } from './reading/file-fault.js';
import { readOperatorFile } from './reading/read-file.js';

export interface LoadOptions {
  /** Name of the file for messages. */
  readonly file: string;
  /** YAML or JSON. */
  readonly text: string;
  /** Only says what would change. */
  readonly dryRun: boolean;
  readonly actor: string;
}

export interface LoadDependencies {
  readonly transact: Transact;
  readonly partitionOf: WriteOptions['partitionOf'];
  /** Seals what the file holds in clear form and the record must not. */
  readonly secrets: SecretBox;
  readonly clock: () => number;
}

export interface LoadReport {
  readonly changes: readonly PlannedChange[];
  /** Things to know, each with its place and what could be done. */
  readonly notes: readonly FileFault[];
  readonly written: boolean;
  /** The configuration's new version; null where it stays as it is. */
  readonly configVersion: number | null;
  /** Changes of balances that wait to be applied. */
  readonly intents: number;
}

/**
 * Loads an operator file. Loading it again changes nothing.
 * @throws OperatorFileError with every fault, InstallationMissingError, or the driver's error.
 */
export async function loadOperatorFile(
  { file, text, dryRun, actor }: LoadOptions,
  { transact, partitionOf, secrets, clock }: LoadDependencies,
): Promise<LoadReport> {
  const read = readOperatorFile(text);
  const { document } = read;
  if (document === null) throw new OperatorFileError(file, read.faults);
  return transact(async (client) => {
    if (!dryRun) await lockConfiguration(client);
    const current = await readCurrentState(client, read.file, { lock: !dryRun });
    const now = clock();
    const { plan, changes, notes, faults } = planLoad(read.file, current, { now, secrets });
    const all = [...read.faults, ...faults.map((fault) => document.place(fault))];
    if (all.length > 0) throw new OperatorFileError(file, inOrder(all));
    const report = { changes, notes: notes.map((note) => document.place(note)) };
    if (dryRun) return { ...report, written: false, configVersion: null, intents: 0 };
    const summary = `operator file ${file}`;
    const written = await writePlan(client, plan, { current, now, actor, summary, partitionOf });
    return { ...report, ...written, written: true };
  }).catch((error: unknown) => {
    // A file that is wrong anyway is told so, whether or not the rest could be looked up.
    if (error instanceof OperatorFileError || read.faults.length === 0) throw error;
    throw new OperatorFileError(file, inOrder(read.faults));
  });
}

function inOrder(faults: readonly FileFault[]): readonly FileFault[] {
  return [...faults].sort((a, b) => a.line - b.line || a.column - b.column);
}
