/** An access plan as the configuration keeps it, from what a file writes. */
import type { ConnectionKind } from '../../../domain/access.js';
import {
  INTERIM_DEFAULTS,
  type AccessPlan,
  type AccessService,
  type AddressSource,
  type FairUseStep,
  type LadderStep,
  type WalledGarden,
} from '../../../domain/access-plan.js';
import type { UnitKind } from '../../../domain/units.js';
import type { AccessPlanFields, GardenFields } from '../format/access-format.js';
import { parseQuantity, QUANTITY_EXPECTED } from '../format/quantity.js';
import type { FilePath } from '../reading/file-fault.js';
import { declareSpeed } from './declare-speed.js';
import type { Findings } from './findings.js';

/** Pools that a plan may name. */
export interface KnownPools {
  has(code: string): boolean;
}

interface Context {
  readonly path: FilePath;
  readonly pools: KnownPools;
  readonly findings: Findings;
}

export function declareAccessPlan(fields: AccessPlanFields, context: Context): AccessPlan {
  const { path, findings } = context;
  const { charges = {}, interim = {}, speed, garden, name, devices, dnsServers } = fields;
  const { idleTime, sessionTime } = fields;
  const seconds = (written: number | string, key: string): number =>
    units(written, 'seconds', { ...context, path: [...path, key] });
  const plan: AccessPlan = {
    code: fields.code,
    ...(name !== undefined && { name }),
    ...(speed !== undefined && { speed: declareSpeed(speed, [...path, 'speed'], findings) }),
    charges: {
      volume: charges.volume === 'none' ? null : (charges.volume ?? 'total'),
      time: charges.time ?? false,
    },
    ratingGroup: charges.ratingGroup ?? 0,
    services: declareServices(fields, context),
    sessionsMax: fields.sessions ?? null,
    ...(devices !== undefined && { devicesMax: devices }),
    ...(idleTime !== undefined && { idleSecondsMax: seconds(idleTime, 'idleTime') }),
    ...(sessionTime !== undefined && { sessionSecondsMax: seconds(sessionTime, 'sessionTime') }),
    interim: {
      minSeconds: interim.from ?? INTERIM_DEFAULTS.minSeconds,
      maxSeconds: interim.to ?? Math.max(INTERIM_DEFAULTS.maxSeconds, interim.from ?? 0),
    },
    ...(dnsServers !== undefined && { dnsServers }),
    fairUse: declareFairUse(fields, context),
    ladder: declareLadder(fields, context),
    noCredit: fields.noCredit ?? 'reject',
    expired: fields.expired ?? 'reject',
    ...(garden !== undefined && {
      garden: declareGarden(garden, { ...context, path: [...path, 'garden'] }),
    }),
    messages: Object.fromEntries((fields.messages ?? []).map(({ reason, text }) => [reason, text])),
  };
  checkPlan(plan, context);
  return plan;
}

function units(written: number | string, unit: UnitKind, { path, findings }: Context): number {
  const amount = parseQuantity(written, unit);
  if (amount !== null && amount > 0) return amount;
  const field = String(path.at(-1));
  findings.fault(
    path,
    `${field} is ${JSON.stringify(written)}`,
    `write ${QUANTITY_EXPECTED[unit]}`,
  );
  return 1;
}

function declareServices(
  { services = [] }: AccessPlanFields,
  context: Context,
): AccessPlan['services'] {
  const declared: Partial<Record<ConnectionKind, AccessService>> = {};
  for (const [index, service] of services.entries()) {
    const path = [...context.path, 'services', index];
    const { connection, profile, filters, addressList } = service;
    if (declared[connection] !== undefined) {
      const message = `${connection} is said twice`;
      context.findings.fault([...path, 'connection'], message, 'join the two entries');
    }
    const address = declareSource(service, { ...context, path });
    declared[connection] = {
      ...(address !== null && { address }),
      ...(profile !== undefined && { profile }),
      ...(filters !== undefined && { filters }),
      ...(addressList !== undefined && { addressList }),
    };
  }
  return declared;
}

function declareSource(
  { pool, nasPool }: { readonly pool?: string; readonly nasPool?: string },
  { path, pools, findings }: Context,
): AddressSource | null {
  if (pool !== undefined && nasPool !== undefined) {
    findings.fault([...path, 'nasPool'], 'both pool and nasPool are named', 'remove one of them');
  }
  if (pool !== undefined) {
    if (!pools.has(pool)) {
      const message = `there is no address pool ${pool}`;
      findings.fault([...path, 'pool'], message, 'declare it in addressPools, or name a nasPool');
    }
    return { kind: 'pool', code: pool };
  }
  return nasPool === undefined ? null : { kind: 'nas-pool', name: nasPool };
}

function declareFairUse(
  { fairUse = [] }: AccessPlanFields,
  context: Context,
): readonly FairUseStep[] {
  const seen = new Set<string>();
  const highest = new Map<string, { readonly id: string; readonly octets: bigint | number }>();
  return fairUse.map(({ id, period, counts = 'total', volume, speed }, index) => {
    const path = [...context.path, 'fairUse', index];
    if (seen.has(id)) {
      context.findings.fault([...path, 'id'], `id "${id}" stands here already`, 'rename one');
    }
    seen.add(id);
    const octets = units(volume, 'octets', { ...context, path: [...path, 'volume'] });
    // The last cap that is passed decides, so that one above it is never seen.
    const counted = `${period} ${counts}`;
    const before = highest.get(counted);
    if (before !== undefined && octets <= before.octets) {
      const message = `the cap ${before.id} before it is as high, and would never act`;
      context.findings.fault([...path, 'volume'], message, 'put the smaller volume first');
    }
    highest.set(counted, { id, octets });
    return {
      id,
      period,
      counts,
      octets: octets as FairUseStep['octets'],
      speed: declareSpeed(speed, [...path, 'speed'], context.findings),
    };
  });
}

function declareLadder({ ladder = [] }: AccessPlanFields, context: Context): readonly LadderStep[] {
  return ladder.flatMap(({ step, speed }, index): LadderStep[] => {
    const path = [...context.path, 'ladder', index];
    if (step === 'speed') {
      if (speed === undefined) {
        const remedy = 'add speed: { up: …, down: … }';
        context.findings.fault(path, 'the step has no speed', remedy);
        return [];
      }
      return [{ kind: 'speed', speed: declareSpeed(speed, [...path, 'speed'], context.findings) }];
    }
    if (speed !== undefined) {
      const message = `a step ${step} has no speed of its own`;
      context.findings.fault([...path, 'speed'], message, 'remove it; a garden has its own speed');
    }
    return [{ kind: step }];
  });
}

function declareGarden(fields: GardenFields, context: Context): WalledGarden {
  const { addressList, speed, filters, profile, redirectUrl, time } = fields;
  const { path, findings } = context;
  const address = declareSource(fields, context);
  return {
    ...(addressList !== undefined && { addressList }),
    ...(address !== null && { address }),
    ...(speed !== undefined && { speed: declareSpeed(speed, [...path, 'speed'], findings) }),
    ...(filters !== undefined && { filters }),
    ...(profile !== undefined && { profile }),
    ...(redirectUrl !== undefined && { redirectUrl }),
    ...(time !== undefined && {
      sessionSecondsMax: units(time, 'seconds', { ...context, path: [...path, 'time'] }),
    }),
  };
}

function checkPlan(plan: AccessPlan, { path, findings }: Context): void {
  const { interim, charges, ladder, garden } = plan;
  if (interim.minSeconds > interim.maxSeconds) {
    const message = `from ${interim.minSeconds} is above to ${interim.maxSeconds}`;
    findings.fault([...path, 'interim'], message, 'exchange the two, or widen the bounds');
  }
  if (charges.volume === null && !charges.time) {
    const message = 'neither volume nor time is rated';
    findings.fault([...path, 'charges'], message, 'rate one of them; a price may be 0');
  }
  const entrances = [
    plan.noCredit === 'garden' ? 'noCredit' : null,
    plan.expired === 'garden' ? 'expired' : null,
    ladder.some(({ kind }) => kind === 'garden') ? 'ladder' : null,
  ].flatMap((name) => name ?? []);
  const [entrance] = entrances;
  if (entrance !== undefined && garden === undefined) {
    const message = `${entrance} leads into a garden that is not there`;
    findings.fault([...path, entrance], message, 'add garden, or lead nowhere');
  }
  if (garden !== undefined && opensEverything(garden)) {
    const message = 'the garden has neither addressList, filters, profile nor a pool';
    const remedy = 'name what closes it: inside, everything would be open';
    findings.fault([...path, 'garden'], message, remedy);
  }
  const disconnect = ladder.findIndex(({ kind }) => kind === 'disconnect');
  if (disconnect !== -1 && disconnect < ladder.length - 1) {
    const message = 'steps stand behind the disconnect';
    findings.fault([...path, 'ladder', disconnect + 1], message, 'put the disconnect last');
  }
}

function opensEverything({ addressList, filters, profile, address }: WalledGarden): boolean {
  return [addressList, filters, profile, address].every((part) => part === undefined);
}
