/** Each fault of an operator file has a case in test/vectors/operator-file/faults.txt. */
import { describe, expect, test } from 'vitest';
import type { CurrentState } from '../../../../src/management/operator-file/plan/current-state.js';
import { planLoad } from '../../../../src/management/operator-file/plan/plan.js';
import type { FileFault } from '../../../../src/management/operator-file/reading/file-fault.js';
import { readOperatorFile } from '../../../../src/management/operator-file/reading/read-file.js';
import { describeFault, readFileCases } from '../../../support/operator-file-vectors.js';
import { createSecretBox } from '../../../../src/secret-box.js';

const NOTHING: CurrentState = {
  partitions: 4,
  tenants: new Map(),
  resources: new Map(),
  tariffs: new Map(),
  plans: new Map(),
  sharingGroups: new Map(),
  accounts: new Map(),
  subscribers: new Map(),
  identities: [],
  peers: new Map(),
  tariffUses: [],
  nas: new Map(),
  addressPools: new Map(),
  accessPlans: new Map(),
  accessPlanUses: [],
  planUses: [],
};
const SECRETS = createSecretBox(['a key for these tests']);
const NOW = Date.parse('2026-06-01T00:00:00Z');

function findings(text: string): { readonly faults: string[]; readonly notes: string[] } {
  const { file, faults, document } = readOperatorFile(text);
  const planned = planLoad(file, NOTHING, { now: NOW, secrets: SECRETS });
  const placed = (found: typeof planned.faults): FileFault[] =>
    document === null ? [] : found.map((fault) => document.place(fault));
  const all = [...faults, ...placed(planned.faults)];
  all.sort((a, b) => a.line - b.line || a.column - b.column);
  return {
    faults: all.map((fault) => describeFault(text, fault)),
    notes: placed(planned.notes).map((note) => describeFault(text, note)),
  };
}

describe('a file with', () => {
  test.each(readFileCases('faults.txt'))('$title', ({ texts, faults, notes }) => {
    expect(findings(texts[0] ?? '')).toEqual({ faults, notes });
  });
});
