/** How an operator file writes NAS clients and the addresses that are the operator's to give. */
import { z } from 'zod';
import { CONNECTION_KINDS, type TermName } from '../../../domain/access.js';
import {
  COUNTER_DIRECTIONS,
  EAP_METHOD_NAMES,
  MESSAGE_AUTHENTICATOR_POLICIES,
  NAS_VENDORS,
  RADIUS_VERSIONS,
} from '../../../domain/nas.js';
import {
  choice,
  flag,
  identifier,
  quantity,
  secretText,
  someOf,
  wholeNumber,
  wireText,
} from './field.js';

/** What a session's terms are called; a CoA may change those that its NAS honours. */
const TERM_NAMES = [
  'speed',
  'sessionSecondsMax',
  'idleSecondsMax',
  'uploadOctetsMax',
  'downloadOctetsMax',
  'totalOctetsMax',
  'interimSeconds',
  'ipv4',
  'ipv6',
  'routes',
  'dnsServers',
  'addressList',
  'profile',
  'filters',
  'redirectUrl',
  'devicesMax',
  'vlan',
  'encryption',
] as const satisfies readonly TermName[];

const steeringFormat = z
  .strictObject({
    overTls: flag()
      .exactOptional()
      .describe(
        '`true`: over the TLS connection that it has opened, which not every NAS takes them by; ' +
          'as datagrams then only where `address` is given, while it is not connected.',
      ),
    address: wireText('an IP address')
      .exactOptional()
      .describe("Where it takes them; the NAS' own single address where absent."),
    port: wholeNumber(1, 65_535)
      .exactOptional()
      .describe('3799 where absent; RouterOS has 1700 unless told otherwise.'),
    secret: secretText().exactOptional().describe('Where it is another than that of requests.'),
    messageAuthenticator: flag()
      .exactOptional()
      .describe('`false` for old equipment that refuses it; `true` where absent.'),
  })
  .meta({ id: 'Steering', description: 'Where a NAS takes CoA- and Disconnect-Requests.' });

const changeableFormat = z
  .strictObject({
    connection: choice(CONNECTION_KINDS).describe('Sessions it is said of.'),
    terms: someOf(choice(TERM_NAMES)).describe('What a CoA can change of them.'),
  })
  .meta({
    id: 'Changeable',
    description: "What a NAS changes while a session lasts, where its vendor's rule is wrong.",
  });

/** Without quotes it would be a number, which has no 1.0. */
function radiusVersion() {
  const expected = '"1.0" or "1.1", in quotes';
  return z.enum(RADIUS_VERSIONS, { error: expected }).meta({ expected });
}

export const nasFormat = z
  .strictObject({
    name: identifier().describe('Name, unique; it stands on sessions and events.'),
    addresses: someOf(wireText('an IP address or a range such as "10.0.0.0/8"'))
      .exactOptional()
      .describe('Where its requests come from; absent for one that only speaks TLS.'),
    nasIdentifier: wireText('text in quotes')
      .exactOptional()
      .describe(
        'Its NAS-Identifier; needed where several stand behind one address. Several addresses, or a ' +
          'range, are taken for several devices without it.',
      ),
    secret: secretText().describe('The shared secret; kept sealed. 16 random characters or more.'),
    oldSecret: secretText()
      .exactOptional()
      .describe('The one before, while the NAS may still use it; remove it afterwards.'),
    vendor: choice(NAS_VENDORS).describe('Whose attributes it understands.'),
    networkScope: identifier()
      .exactOptional()
      .describe('Where the identities that it sends are looked up; `default` where absent.'),
    messageAuthenticator: choice(MESSAGE_AUTHENTICATOR_POLICIES)
      .exactOptional()
      .describe(
        'Access-Requests without one: dropped (`require`), accepted with a warning until it has ' +
          'sent one (`auto`, where absent), or accepted (`off`).',
      ),
    counterDirection: choice(COUNTER_DIRECTIONS)
      .exactOptional()
      .describe('What it means by Acct-Input-Octets; `input-is-upload` where absent.'),
    services: someOf(choice(CONNECTION_KINDS))
      .exactOptional()
      .describe('What it offers; where that is one, all its sessions are of it.'),
    certificateNames: someOf(wireText('a DNS name, an address or a common name'))
      .exactOptional()
      .describe('Names in its certificate, for RADIUS over TLS.'),
    tlsVersions: someOf(radiusVersion())
      .exactOptional()
      .describe(
        'What it may speak over TLS: "1.0" alone forbids RADIUS/1.1, "1.1" alone requires it; ' +
          'whatever `radius.tlsVersions` serves where absent.',
      ),
    eapMethods: someOf(choice(EAP_METHOD_NAMES))
      .exactOptional()
      .describe('EAP methods offered to it, best first; `ms-chap2`, then `md5` where absent.'),
    steering: steeringFormat
      .exactOptional()
      .describe('Where sessions can be changed and ended; absent: nowhere.'),
    changeable: someOf(changeableFormat)
      .exactOptional()
      .describe('Exceptions from what its vendor changes by CoA.'),
    retired: flag().exactOptional().describe('`true`: its requests are no longer answered.'),
  })
  .meta({ id: 'Nas', description: 'A network access server that speaks RADIUS to us.' });

export const addressPoolFormat = z
  .strictObject({
    code: identifier().describe('Name, unique; access plans use it.'),
    ranges: someOf(wireText('"10.0.0.0/22" or "10.0.0.10-10.0.0.99"')).describe(
      'IPv4 addresses: networks, whose first and last address stay out, or spans with both ends.',
    ),
    rest: quantity()
      .exactOptional()
      .describe('How long an address stays unused after its session ("10 min"); 10 min if absent.'),
    retired: flag().exactOptional().describe('`true`: gives no more addresses.'),
  })
  .meta({ id: 'AddressPool', description: 'Addresses that are given to sessions, one to each.' });

export type NasFields = z.infer<typeof nasFormat>;
export type AddressPoolFields = z.infer<typeof addressPoolFormat>;
