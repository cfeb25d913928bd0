/**
 * Reads an operator file as far as it can be read without knowing what is there already: text,
 * shape, names used twice. Each entry is read by itself, so that all faults are found at once.
 */
import type { z } from 'zod';
import { accessPlanFormat, type AccessPlanFields } from '../format/access-format.js';
import {
  accountHeadFormat,
  bucketFormat,
  subscriberFormat,
  type AccountHeadFields,
  type BucketFields,
  type SubscriberFields,
} from '../format/account-format.js';
import { parseFile, type FileDocument } from './document.js';
import {
  fileHeadFormat,
  FORMAT_VERSION,
  resourceFormat,
  tenantHeadFormat,
  type ResourceFields,
  type TenantHeadFields,
} from '../format/file-format.js';
import type { FileFault, FilePath } from './file-fault.js';
import {
  addressPoolFormat,
  nasFormat,
  type AddressPoolFields,
  type NasFields,
} from '../format/nas-format.js';
import { peerFormat, type PeerFields } from '../format/peer-format.js';
import { planFormat, type PlanFields } from '../format/plan-format.js';
import { sharingGroupFormat, type SharingGroupFields } from '../format/sharing-format.js';
import { shapeFaults } from './shape-fault.js';
import { tariffFormat, type TariffFields } from '../format/tariff-format.js';

/** One entry of a list. */
export interface Entry<Fields> {
  readonly path: FilePath;
  /** Its identifier as far as it has one. */
  readonly name: string | null;
  /** Null where it has a fault of shape: its name counts as declared all the same. */
  readonly fields: Fields | null;
}

export interface AccountEntry extends Entry<AccountHeadFields> {
  readonly buckets: readonly Entry<BucketFields>[];
}

export interface TenantEntry extends Entry<TenantHeadFields> {
  readonly resources: readonly Entry<ResourceFields>[];
  readonly tariffs: readonly Entry<TariffFields>[];
  readonly accessPlans: readonly Entry<AccessPlanFields>[];
  readonly plans: readonly Entry<PlanFields>[];
  readonly accounts: readonly AccountEntry[];
  readonly subscribers: readonly Entry<SubscriberFields>[];
  readonly sharingGroups: readonly Entry<SharingGroupFields>[];
}

export interface OperatorFile {
  readonly tenants: readonly TenantEntry[];
  readonly diameterPeers: readonly Entry<PeerFields>[];
  readonly nas: readonly Entry<NasFields>[];
  readonly addressPools: readonly Entry<AddressPoolFields>[];
}

export interface ReadFile {
  readonly file: OperatorFile;
  readonly faults: readonly FileFault[];
  /** Gives later faults their place; null where the text could not be read. */
  readonly document: FileDocument | null;
}

const EMPTY: OperatorFile = { tenants: [], diameterPeers: [], nas: [], addressPools: [] };

/** Reads the text of an operator file, YAML or JSON. */
export function readOperatorFile(text: string): ReadFile {
  const { document, faults } = parseFile(text);
  if (document === null) return { file: EMPTY, faults, document };
  const reader = createReader(document);
  const file = reader.read();
  return { file, faults: reader.faults, document };
}

interface Reader {
  read(): OperatorFile;
  readonly faults: readonly FileFault[];
}

function createReader(document: FileDocument): Reader {
  const faults: FileFault[] = [];

  function checked<Format extends z.ZodType>(
    format: Format,
    path: FilePath,
    value: unknown,
  ): z.infer<Format> | null {
    const result = format.safeParse(value);
    if (result.success) return result.data;
    for (const { key, ...fault } of shapeFaults(result.error, {
      path,
      value,
      source: (at) => document.source(at),
    })) {
      faults.push(document.place(fault, key));
    }
    return null;
  }

  function entries<Format extends z.ZodType>(
    format: Format,
    path: FilePath,
    value: unknown,
    nameKey: string,
  ): readonly Entry<z.infer<Format>>[] {
    const list = membersOf(value, path.at(-1));
    const places = new Map<string, FilePath>();
    return list.map((raw, index) => {
      const at = [...path, index];
      const name = membersText(raw, nameKey);
      const first = name === null ? undefined : places.get(name);
      if (name !== null && first === undefined) places.set(name, at);
      if (first !== undefined) {
        const { line } = document.place({ path: first, message: '', remedy: '' });
        const message = `${nameKey} "${name ?? ''}" stands on line ${line} already`;
        faults.push(document.place({ path: at, message, remedy: 'rename or remove one' }, nameKey));
      }
      const fields = checked(format, at, raw);
      return { path: at, name, fields: first === undefined ? fields : null };
    });
  }

  function tenant(entry: Entry<TenantHeadFields>, raw: unknown): TenantEntry {
    const { path } = entry;
    const heads = entries(accountHeadFormat, [...path, 'accounts'], raw, 'id');
    const accounts = membersOf(raw, 'accounts');
    return {
      ...entry,
      resources: entries(resourceFormat, [...path, 'resources'], raw, 'code'),
      tariffs: entries(tariffFormat, [...path, 'tariffs'], raw, 'code'),
      accessPlans: entries(accessPlanFormat, [...path, 'accessPlans'], raw, 'code'),
      plans: entries(planFormat, [...path, 'plans'], raw, 'code'),
      accounts: heads.map((head, index) => ({
        ...head,
        buckets: entries(bucketFormat, [...head.path, 'buckets'], accounts[index], 'id'),
      })),
      subscribers: entries(subscriberFormat, [...path, 'subscribers'], raw, 'id'),
      sharingGroups: entries(sharingGroupFormat, [...path, 'sharingGroups'], raw, 'id'),
    };
  }

  return {
    faults,
    read() {
      const root = document.value;
      if (root === null || typeof root !== 'object' || Array.isArray(root)) {
        const message = 'the file holds no fields';
        const remedy = `begin with "version: ${FORMAT_VERSION}" and "tenants:"`;
        faults.push(document.place({ path: [], message, remedy }));
        return EMPTY;
      }
      checked(fileHeadFormat, [], root);
      const heads = entries(tenantHeadFormat, ['tenants'], root, 'code');
      const raws = membersOf(root, 'tenants');
      return {
        tenants: heads.map((head, index) => tenant(head, raws[index])),
        diameterPeers: entries(peerFormat, ['diameterPeers'], root, 'name'),
        nas: entries(nasFormat, ['nas'], root, 'name'),
        addressPools: entries(addressPoolFormat, ['addressPools'], root, 'code'),
      };
    },
  };
}

/** The list that a mapping holds under a key; empty where it holds none. */
function membersOf(value: unknown, key: string | number | undefined): readonly unknown[] {
  if (typeof value !== 'object' || value === null || key === undefined) return [];
  const list = (value as Record<string, unknown>)[String(key)];
  return Array.isArray(list) ? list : [];
}

function membersText(value: unknown, key: string): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const name = (value as Record<string, unknown>)[key];
  return typeof name === 'string' ? name : null;
}
