/** How an operator file writes Diameter peers and their habits. */
import { z } from 'zod';
import { choice, domainName, flag, identifier, someOf, wholeNumber, wireText } from './field.js';

const UNSIGNED_32_MAX = 2 ** 32 - 1;

const profileFormat = z
  .strictObject({
    creditLimitAt: choice(['mscc', 'command'])
      .exactOptional()
      .describe('Where "out of credit" is said: in each service (`mscc`), or for the command.'),
    finalUnitWithoutGrant: choice(['success', 'credit-limit-reached'])
      .exactOptional()
      .describe('Result of a service that gets a final-unit action and no units.'),
    finalUnitIndication: choice(['basic', 'qos'])
      .exactOptional()
      .describe('`qos`: it knows QoS-Final-Unit-Indication of RFC 8506.'),
    defaultRatingGroup: wholeNumber(0, UNSIGNED_32_MAX)
      .nullable()
      .exactOptional()
      .describe('Rating group of a service that names none; null leaves it open.'),
    validityMaxSeconds: wholeNumber(1, 86_400)
      .nullable()
      .exactOptional()
      .describe('Validity-Time is never above this.'),
    reAuthorisation: flag().exactOptional().describe('Whether it acts on Re-Auth-Request.'),
    abortSession: flag().exactOptional().describe('Whether it acts on Abort-Session-Request.'),
    sessionFailover: flag().exactOptional().describe('CC-Session-Failover of every answer.'),
    failureHandling: choice(['terminate', 'continue', 'retry-and-terminate'])
      .nullable()
      .exactOptional()
      .describe('What it does when no node answers; null leaves it to the gateway.'),
    directDebitingFailureHandling: choice(['terminate-or-buffer', 'continue'])
      .nullable()
      .exactOptional()
      .describe('The same for one-time events.'),
    restart: choice(['suspect', 'end'])
      .exactOptional()
      .describe('What a restart of the peer does to its open sessions.'),
  })
  .meta({
    id: 'PeerProfile',
    description: 'How a gateway wants to be spoken to; what is absent follows the standard.',
  });

const addressFormat = z
  .strictObject({
    host: wireText('a host name or an IP address').describe('Host name or IP address.'),
    port: wholeNumber(1, 65_535)
      .exactOptional()
      .describe('TCP port; 3868 where absent, or 5868 for TLS.'),
  })
  .meta({ id: 'PeerAddress', description: 'Where a peer listens.' });

export const peerFormat = z
  .strictObject({
    name: identifier().describe('Name, unique; stamped on sessions and events.'),
    originHost: domainName()
      .exactOptional()
      .describe('Its DiameterIdentity; every host of the realm where absent.'),
    realm: domainName().describe('Its Origin-Realm.'),
    networkScope: identifier()
      .exactOptional()
      .describe('Where the identities that it sends are looked up; `default` where absent.'),
    addresses: someOf(wireText('an IP address'))
      .exactOptional()
      .describe('Source addresses it may connect from; any where absent.'),
    security: choice(['tls'])
      .exactOptional()
      .describe('`tls`: over TLS only, with a certificate that names its Origin-Host.'),
    connect: someOf(addressFormat)
      .exactOptional()
      .describe('Where to connect to it, tried in turn; it connects to us where absent.'),
    profile: profileFormat.exactOptional().describe('Its habits.'),
    retired: flag().exactOptional().describe('`true`: it may no longer connect.'),
  })
  .meta({ id: 'DiameterPeer', description: 'A gateway or relay that may connect.' });

export type PeerFields = z.infer<typeof peerFormat>;
