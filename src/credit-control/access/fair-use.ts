/** The fair-use caps of a plan, with the periods that are running and about to begin. */
import type { FairUseCap } from '../../charging/admission.js';
import type { AccessPlan } from '../../domain/access-plan.js';
import type { CompiledCatalog } from '../../rating/catalog.js';
import { createLocalClock } from '../../rating/local-time.js';
import { createPeriodCalendar, type PeriodCalendar } from '../../rating/usage-period.js';
import { gaugeRates, type RatedProfile } from './metered-services.js';

const UTC: PeriodCalendar = createPeriodCalendar(createLocalClock('UTC'));

/** Two periods of each: the script picks by its own clock, which may be past midnight already. */
export function fairUseCaps(
  plan: AccessPlan,
  profile: RatedProfile,
  { catalog, at }: { readonly catalog: CompiledCatalog; readonly at: number },
): readonly FairUseCap[] {
  if (plan.fairUse.length === 0) return [];
  const periods =
    catalog.tariff(profile.tenant, profile.tariff, profile.plan ?? null)?.periods ?? UTC;
  return plan.fairUse.flatMap(({ id, period, counts, octets, speed }, index) => {
    const running = periods.periodAt(period, at);
    const next = periods.periodAt(period, running.untilMs);
    return [running, next].map(({ fromMs, untilMs }) => ({
      id: `${plan.code}/${id}`,
      fromMs: Math.max(0, fromMs),
      untilMs,
      counts,
      octets,
      level: index + 1,
      octetsPerSecond: gaugeRates({ speed }).total,
    }));
  });
}
