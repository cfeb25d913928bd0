/** How an operator file writes access plans, and how a subscriber may come in. */
import { z } from 'zod';
import { CAP_PERIODS, INTERIM_DEFAULTS, VOLUME_DIRECTIONS } from '../../../domain/access-plan.js';
import { CONNECTION_KINDS, REJECT_REASONS } from '../../../domain/access.js';
import {
  bitRate,
  choice,
  flag,
  identifier,
  ipv4Address,
  label,
  listOf,
  quantity,
  secretText,
  someOf,
  timestamp,
  wholeNumber,
  wireText,
} from './field.js';

const UNSIGNED_32_MAX = 2 ** 32 - 1;
const SESSIONS_MAX = 1_000;

const ratesFormat = z
  .strictObject({
    up: bitRate().describe('What the subscriber sends.'),
    down: bitRate().describe('What the subscriber gets.'),
  })
  .meta({ id: 'Rates', description: 'Bits per second in each direction.' });

const burstFormat = z
  .strictObject({
    up: bitRate().describe('Upload while bursting.'),
    down: bitRate().describe('Download while bursting.'),
    threshold: ratesFormat
      .exactOptional()
      .describe('Average below which bursting is allowed; the plain speed where absent.'),
    upSeconds: wholeNumber(1, 3_600).describe('Time over which upload is averaged.'),
    downSeconds: wholeNumber(1, 3_600).describe('Time over which download is averaged.'),
  })
  .meta({ id: 'Burst', description: 'More speed for a short time.' });

const speedFormat = z
  .strictObject({
    up: bitRate().describe('What the subscriber may send.'),
    down: bitRate().describe('What the subscriber may get.'),
    burst: burstFormat.exactOptional().describe('None where absent.'),
    priority: wholeNumber(1, 8).exactOptional().describe('1 first, 8 last.'),
    guaranteed: ratesFormat
      .exactOptional()
      .describe('What remains when the line is full; not above the speed.'),
  })
  .meta({ id: 'Speed', description: 'How fast a session is.' });

const addressSource = {
  pool: identifier().exactOptional().describe('An address pool of this file gives the address.'),
  nasPool: wireText('the name of a pool')
    .exactOptional()
    .describe('A pool of the NAS gives the address, by its name there.'),
};

const serviceFormat = z
  .strictObject({
    connection: choice(CONNECTION_KINDS).describe('Sessions it is said of.'),
    ...addressSource,
    profile: wireText('the name of a profile')
      .exactOptional()
      .describe('Profile or group of the NAS.'),
    filters: someOf(wireText('the name of a filter'))
      .exactOptional()
      .describe('Filters of the NAS, with ".in" or ".out" where RouterOS wants it.'),
    addressList: wireText('the name of a list')
      .exactOptional()
      .describe('Firewall list of the NAS that the address joins.'),
  })
  .meta({ id: 'AccessService', description: 'What holds for one kind of connection.' });

const fairUseFormat = z
  .strictObject({
    id: identifier().describe('Name, unique in its list.'),
    period: choice(CAP_PERIODS).describe("When it starts again, in the tenant's time zone."),
    counts: choice(VOLUME_DIRECTIONS).exactOptional().describe('`total` where absent.'),
    volume: quantity().describe('Octets after which the speed changes.'),
    speed: speedFormat.describe('From there to the end of the period.'),
  })
  .meta({ id: 'FairUse', description: 'A cap after which sessions are slower.' });

const ladderStepFormat = z
  .strictObject({
    step: choice(['speed', 'garden', 'disconnect']).describe('What is done.'),
    speed: speedFormat.exactOptional().describe('For the step `speed`, and for it alone.'),
  })
  .meta({ id: 'LadderStep', description: 'A step down when credit is spent.' });

const gardenFormat = z
  .strictObject({
    addressList: wireText('the name of a list')
      .exactOptional()
      .describe('Firewall list of the NAS that opens the garden and nothing else.'),
    ...addressSource,
    speed: speedFormat.exactOptional().describe('Speed inside.'),
    filters: someOf(wireText('the name of a filter')).exactOptional().describe('Filters inside.'),
    profile: wireText('the name of a profile').exactOptional().describe('Profile of the NAS.'),
    redirectUrl: wireText('a URL').exactOptional().describe('Where a browser is sent.'),
    time: quantity().exactOptional().describe('How long one stay lasts at most ("30 min").'),
  })
  .meta({ id: 'Garden', description: 'Where those are let in who may only pay.' });

const chargesFormat = z
  .strictObject({
    volume: choice([...VOLUME_DIRECTIONS, 'none'])
      .exactOptional()
      .describe('Octets that are rated; `total` where absent.'),
    time: flag().exactOptional().describe('Whether seconds online are rated; `false` if absent.'),
    ratingGroup: wholeNumber(0, UNSIGNED_32_MAX)
      .exactOptional()
      .describe('Rating group of the usage, beside the service context "radius"; 0 if absent.'),
  })
  .meta({ id: 'AccessCharges', description: 'What of a session the tariff rates.' });

const interimFormat = z
  .strictObject({
    from: wholeNumber(60, 86_400)
      .exactOptional()
      .describe(`Seconds, the least; ${INTERIM_DEFAULTS.minSeconds} where absent.`),
    to: wholeNumber(60, 86_400)
      .exactOptional()
      .describe(`Seconds, the most; ${INTERIM_DEFAULTS.maxSeconds} where absent.`),
  })
  .meta({
    id: 'Interim',
    description: 'Bounds of the time between two reports, which is chosen for each session.',
  });

const messageFormat = z
  .strictObject({
    reason: choice(REJECT_REASONS).describe('Why the subscriber is turned away.'),
    text: label().describe('What the NAS shows.'),
  })
  .meta({ id: 'RejectMessage', description: 'Words for a subscriber who is turned away.' });

export const accessPlanFormat = z
  .strictObject({
    code: identifier().describe('Name, unique in the tenant; subscribers use it.'),
    name: label().exactOptional().describe('Words for people.'),
    retired: flag().exactOptional().describe('`true`: nobody may use it any more.'),
    speed: speedFormat.exactOptional().describe("The NAS' own rule where absent."),
    charges: chargesFormat.exactOptional().describe('All octets, no time, where absent.'),
    services: listOf(serviceFormat)
      .exactOptional()
      .describe('Connections it is good for; all of them where absent or empty.'),
    sessions: wholeNumber(1, SESSIONS_MAX)
      .exactOptional()
      .describe('Sessions of a subscriber at one time; no bound where absent.'),
    devices: wholeNumber(1, SESSIONS_MAX)
      .exactOptional()
      .describe('Devices that share one hotspot login.'),
    idleTime: quantity().exactOptional().describe('Silence that ends a session ("10 min").'),
    sessionTime: quantity().exactOptional().describe('Longest session ("12 h").'),
    interim: interimFormat.exactOptional().describe('How often sessions report.'),
    dnsServers: someOf(ipv4Address()).exactOptional().describe('Told to the subscriber.'),
    fairUse: listOf(fairUseFormat).exactOptional().describe('Caps, the smaller first.'),
    ladder: listOf(ladderStepFormat)
      .exactOptional()
      .describe('Steps when credit is spent in a session; a disconnect alone where absent.'),
    noCredit: choice(['reject', 'garden'])
      .exactOptional()
      .describe('A login without credit; `reject` where absent.'),
    expired: choice(['reject', 'garden'])
      .exactOptional()
      .describe('A login after the end of what was bought; `reject` where absent.'),
    garden: gardenFormat.exactOptional().describe('Needed where something leads into it.'),
    messages: listOf(messageFormat).exactOptional().describe('Words by reason; none if absent.'),
  })
  .meta({ id: 'AccessPlan', description: 'What network access gives, and how it ends.' });

const ipv6Format = z
  .strictObject({
    address: wireText('an IPv6 address').exactOptional().describe('Address of the link.'),
    framedPrefix: wireText('a prefix such as "2001:db8:1::/64"')
      .exactOptional()
      .describe('Prefix of the link.'),
    delegatedPrefix: wireText('a prefix such as "2001:db8:2::/56"')
      .exactOptional()
      .describe('Prefix behind the subscriber.'),
    framedPool: wireText('the name of a pool').exactOptional().describe('Pool of the NAS.'),
    delegatedPool: wireText('the name of a pool')
      .exactOptional()
      .describe('Pool of the NAS for prefixes behind the subscriber.'),
  })
  .meta({ id: 'Ipv6', description: 'IPv6 of a subscriber.' });

export const subscriberAccessFormat = z
  .strictObject({
    plan: identifier().describe('Access plan of the tenant.'),
    password: secretText()
      .exactOptional()
      .describe('Kept sealed; good for every method. With `station`, the MAC login password.'),
    ntHash: secretText()
      .exactOptional()
      .describe('Instead of the password: its NT hash, 32 hex digits; for PAP and MS-CHAP only.'),
    station: flag()
      .exactOptional()
      .describe(
        '`true`: the MAC of the device is the credential; an identity of kind mac says it.',
      ),
    connections: someOf(choice(CONNECTION_KINDS))
      .exactOptional()
      .describe('Ways it may come in; those of the plan where absent.'),
    nas: someOf(identifier()).exactOptional().describe('NAS it may use; any where absent.'),
    stations: someOf(wireText('a MAC address'))
      .exactOptional()
      .describe('Devices it may use, by MAC; any where absent.'),
    sessions: wholeNumber(1, SESSIONS_MAX)
      .exactOptional()
      .describe("Sessions at one time; the plan's where absent."),
    until: timestamp()
      .exactOptional()
      .describe('First moment after its end, when sessions are cut; no end where absent.'),
    address: ipv4Address().exactOptional().describe('Its own address, before any pool.'),
    netmask: ipv4Address()
      .exactOptional()
      .describe("With `address`; the NAS' own rule where absent."),
    ipv6: ipv6Format.exactOptional().describe('None where absent.'),
    routes: someOf(wireText('a route such as "192.0.2.0/24 0.0.0.0 1"'))
      .exactOptional()
      .describe('Networks behind the subscriber.'),
    vlan: wholeNumber(1, 4_094).exactOptional().describe('VLAN of the port.'),
  })
  .meta({ id: 'SubscriberAccess', description: 'How a subscriber may come in over RADIUS.' });

export type SpeedFields = z.infer<typeof speedFormat>;
export type AccessPlanFields = z.infer<typeof accessPlanFormat>;
export type GardenFields = z.infer<typeof gardenFormat>;
export type SubscriberAccessFields = z.infer<typeof subscriberAccessFormat>;
