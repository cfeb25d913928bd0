/** How an operator file writes tariffs: the grammar of `rating/tariff.ts`, and a short form. */
import { z } from 'zod';
import { UNIT_KINDS } from '../../../domain/units.js';
import { PERIODS, WEEKDAYS } from '../../../rating/tariff.js';
import {
  choice,
  decimal,
  flag,
  identifier,
  label,
  listOf,
  quantity,
  someOf,
  timeOfDay,
  timestamp,
  wholeNumber,
  wireText,
} from './field.js';

/** Largest Rating-Group and Service-Identifier: Unsigned32 [RFC 8506 8.28, 8.29]. */
const UNSIGNED_32_MAX = 2 ** 32 - 1;

const priceFormat = z
  .strictObject({
    amount: decimal().describe('Money for `per` units; "0" is a price too.'),
    per: quantity().exactOptional().describe('Units that `amount` buys; 1 where absent.'),
  })
  .meta({ id: 'Price', description: 'An exact price: money for a number of units.' });

const matchFormat = z
  .strictObject({
    serviceContexts: someOf(wireText('a Service-Context-Id, such as "32251@3gpp.org"'))
      .exactOptional()
      .describe('Service-Context-Id as the gateway sends it; "radius" for RADIUS accounting.'),
    ratingGroups: someOf(wholeNumber(0, UNSIGNED_32_MAX))
      .exactOptional()
      .describe('Rating groups.'),
    serviceIdentifiers: someOf(wholeNumber(0, UNSIGNED_32_MAX))
      .exactOptional()
      .describe('Service identifiers.'),
    calledZone: identifier().exactOptional().describe('Zone of the called party.'),
    visitedZone: identifier().exactOptional().describe('Zone of the visited network.'),
    apns: someOf(wireText('an access point name'))
      .exactOptional()
      .describe('Access point names without operator identifier, in any case.'),
    ratTypes: someOf(wireText('a radio access type')).exactOptional().describe('Radio access.'),
    band: identifier().exactOptional().describe('Time band that must be open.'),
  })
  .meta({
    id: 'Match',
    description:
      'Which services: everything named must hold, and what is absent matches anything. Of ' +
      'several that match, the more specific decides.',
  });

const rateHead = {
  id: identifier().describe('Name, unique in its list.'),
  unit: choice(UNIT_KINDS).describe('What is priced.'),
  connectionFee: decimal()
    .exactOptional()
    .describe('Once per service and session, with the first unit that money pays.'),
  minimumCharge: decimal()
    .exactOptional()
    .describe('The least a service costs in a session once money pays for a unit of it.'),
  cap: decimal()
    .exactOptional()
    .describe('The most a service costs in a session, connection fee included.'),
  step: quantity()
    .exactOptional()
    .describe('Units are rounded up to a multiple of this; 1 where absent.'),
  firstStep: quantity()
    .exactOptional()
    .describe('The first units are billed as one step of this size: 60/30 is 60 here, 30 above.'),
};

const slotFormat = z
  .strictObject({
    from: quantity().describe('Units of the session after which the slot begins; 0 first.'),
    price: priceFormat.describe('Price from there on.'),
    step: quantity().exactOptional().describe('Rounding inside the slot; 1 where absent.'),
  })
  .meta({ id: 'Slot', description: 'A price for a stretch of a session.' });

const tierFormat = z
  .strictObject({
    from: quantity().describe('What the counter holds where the tier begins; 0 first.'),
    price: priceFormat.describe('Price from there on.'),
  })
  .meta({ id: 'Tier', description: "A price for a stretch of a period's use." });

const rateFormat = z
  .strictObject({
    ...rateHead,
    price: priceFormat.exactOptional().describe('One price, whatever the use.'),
    slots: someOf(slotFormat)
      .exactOptional()
      .describe('Instead of `price`: by the units of the session so far.'),
    counter: identifier().exactOptional().describe('With `tiers`: the counter they go by.'),
    tiers: someOf(tierFormat)
      .exactOptional()
      .describe("Instead of `price`: by what the account's counter holds in its period."),
  })
  .meta({
    id: 'Rate',
    description: 'What units cost. It has exactly one of `price`, `slots` and `tiers`.',
    oneOf: [{ required: ['price'] }, { required: ['slots'] }, { required: ['counter', 'tiers'] }],
  });

const ruleFormat = z
  .strictObject({
    id: identifier().describe('Name; it stands on each event that the rule priced.'),
    match: matchFormat.exactOptional().describe('Services; any where absent.'),
    rate: identifier().exactOptional().describe('Rate of this version that prices them.'),
    notChargeable: z
      .literal(true, { error: 'true, or nothing' })
      .meta({ expected: 'true' })
      .exactOptional()
      .describe('Instead of `rate`: free and not controlled; the gateway need not ask again.'),
    barred: z
      .literal(true, { error: 'true, or nothing' })
      .meta({ expected: 'true' })
      .exactOptional()
      .describe('Instead of `rate`: may not be used; the gateway is told to end the service.'),
  })
  .meta({
    id: 'Rule',
    description: 'Says what the services it matches cost.',
    oneOf: [{ required: ['rate'] }, { required: ['notChargeable'] }, { required: ['barred'] }],
  });

export const finalUnitFormat = z
  .strictObject({
    action: choice(['terminate', 'redirect', 'restrict']).describe('What the gateway does.'),
    addressType: choice(['ipv4', 'ipv6', 'url', 'sip-uri'])
      .exactOptional()
      .describe('Kind of `address`; `url` where absent.'),
    address: wireText('an address').exactOptional().describe('Where it redirects to.'),
    filterIds: someOf(wireText('the name of a filter'))
      .exactOptional()
      .describe('Filters of the gateway that remain open, for `restrict`.'),
    filterRules: someOf(wireText('an IPFilterRule'))
      .exactOptional()
      .describe('IPFilterRules that remain open, for `restrict`.'),
  })
  .meta({
    id: 'FinalUnit',
    description: 'What happens when the last units are used [RFC 8506 5.6].',
  });

const poolFormat = z
  .strictObject({
    id: wholeNumber(0, UNSIGNED_32_MAX).describe('Services of one session with this id share.'),
    multiplier: wireText('a decimal in quotes')
      .exactOptional()
      .describe('What one unit counts as in the pool, "0.25"; "1" where absent.'),
  })
  .meta({
    id: 'CreditPool',
    description: 'Links the grants of the services of a session [RFC 8506 5.1.2].',
  });

const quotaFormat = z
  .strictObject({
    serviceContexts: someOf(wireText('a Service-Context-Id, such as "32251@3gpp.org"'))
      .exactOptional()
      .describe('Service contexts; any where absent.'),
    ratingGroups: someOf(wholeNumber(0, UNSIGNED_32_MAX))
      .exactOptional()
      .describe('Rating groups; any where absent.'),
    unit: choice(UNIT_KINDS).exactOptional().describe('Needed where an amount is named.'),
    default: quantity().exactOptional().describe('Granted where the gateway names no amount.'),
    maximum: quantity().exactOptional().describe('The most that one grant holds.'),
    minimum: quantity()
      .exactOptional()
      .describe('Near exhaustion no grant is smaller than this while that much is left.'),
    sharePercent: wholeNumber(1, 100)
      .exactOptional()
      .describe('Near exhaustion: the share of what is left that one grant takes.'),
    validitySeconds: wholeNumber(1, 86_400)
      .exactOptional()
      .describe('When the gateway must ask again at the latest.'),
    thresholdPercent: wholeNumber(0, 99)
      .exactOptional()
      .describe('Share of a grant that remains when the gateway should report; 0 for none.'),
    holdingSeconds: wholeNumber(0, 86_400)
      .exactOptional()
      .describe('Silence after which the gateway gives a grant back.'),
    consumptionSeconds: wholeNumber(0, 86_400)
      .exactOptional()
      .describe('Silence on a quota of seconds that the gateway does not count as use.'),
    pool: poolFormat.exactOptional().describe('Its grants may be used for other services.'),
    finalUnit: finalUnitFormat.exactOptional().describe('`terminate` where absent.'),
  })
  .meta({
    id: 'Quota',
    description: 'How much is granted at a time. The most specific entry decides.',
  });

const zoneFormat = z
  .strictObject({
    id: identifier().describe('Name, for rules and bucket scopes.'),
    prefixes: someOf(wireText('1 to 15 digits in quotes'))
      .exactOptional()
      .describe('E.164 prefixes of called numbers, in quotes; the longest decides.'),
    networks: someOf(wireText('MCC-MNC in quotes ("262-01") or a country ("262")'))
      .exactOptional()
      .describe('Visited networks, "262-01", or all of a country, "262".'),
  })
  .meta({ id: 'Zone', description: 'Called numbers or visited networks that are priced alike.' });

const bandWindowFormat = z
  .strictObject({
    days: someOf(choice(WEEKDAYS)).exactOptional().describe('Every day where absent.'),
    dates: someOf(wireText('"2026-12-25", "12-25" or "2026-07-01/2026-08-31"'))
      .exactOptional()
      .describe('Dates, dates of every year, or spans that include both ends.'),
    from: timeOfDay().exactOptional().describe('Start of the day where absent.'),
    until: timeOfDay()
      .exactOptional()
      .describe('Excluded; end of the day where absent. Not after `from`: runs past midnight.'),
  })
  .meta({ id: 'BandWindow', description: 'When a band is open.' });

const bandFormat = z
  .strictObject({
    id: identifier().describe('Name, for rules and bucket scopes.'),
    windows: someOf(bandWindowFormat).describe('Open when the clock on the wall is in one.'),
  })
  .meta({ id: 'Band', description: 'Hours, weekdays or holidays that are priced alike.' });

const counterFormat = z
  .strictObject({
    id: identifier().describe('Name, for rates with tiers.'),
    unit: choice(UNIT_KINDS).describe('What is counted.'),
    period: choice(PERIODS).describe('When it starts again; weeks begin on Monday.'),
  })
  .meta({ id: 'Counter', description: "Counts an account's billed units for tiers." });

const versionFormat = z
  .strictObject({
    id: identifier().describe('Name; it stands on each event.'),
    startsAt: timestamp().describe('In force from here to the start of the next version.'),
    rates: listOf(rateFormat).describe('Prices.'),
    rules: listOf(ruleFormat).describe('Which service has which price.'),
    quotas: listOf(quotaFormat).exactOptional().describe('Sizes of grants.'),
  })
  .meta({ id: 'TariffVersion', description: 'What a tariff says from a moment on.' });

const flatRateFormat = z
  .strictObject({
    ...rateHead,
    price: priceFormat.describe('One price, whatever the use.'),
    match: matchFormat.exactOptional().describe('Services; any where absent.'),
  })
  .meta({ id: 'FlatRate', description: 'A price and the services it is for, in one entry.' });

export const tariffFormat = z
  .strictObject({
    code: identifier().describe('Name, unique in the tenant; accounts and subscribers use it.'),
    name: label().exactOptional().describe('Words for people.'),
    retired: flag()
      .exactOptional()
      .describe('`true` takes the tariff out of use; nothing may name it any more.'),
    currency: identifier().describe('A money resource of the tenant.'),
    timezone: wireText('an IANA time zone, such as "Europe/Berlin"')
      .exactOptional()
      .describe("Time zone of bands, periods and starts; the tenant's where absent."),
    zones: listOf(zoneFormat).exactOptional().describe('Zones that rules may name.'),
    bands: listOf(bandFormat).exactOptional().describe('Time bands that rules may name.'),
    counters: listOf(counterFormat).exactOptional().describe('Counters that tiers go by.'),
    flatRates: someOf(flatRateFormat)
      .exactOptional()
      .describe('The short form: one version, in force at once, a rule for each rate.'),
    quotas: listOf(quotaFormat).exactOptional().describe('With `flatRates`: sizes of grants.'),
    versions: someOf(versionFormat)
      .exactOptional()
      .describe('The full form: versions with a start, rates and rules.'),
  })
  .meta({
    id: 'Tariff',
    description: 'Prices of services. It has either `flatRates` or `versions`.',
    oneOf: [{ required: ['flatRates'] }, { required: ['versions'] }],
  });

export type TariffFields = z.infer<typeof tariffFormat>;
export type RateFields = z.infer<typeof rateFormat>;
export type FlatRateFields = z.infer<typeof flatRateFormat>;
export type VersionFields = z.infer<typeof versionFormat>;
export type QuotaFields = z.infer<typeof quotaFormat>;
export type PriceFields = z.infer<typeof priceFormat>;
export type FinalUnitFields = z.infer<typeof finalUnitFormat>;
