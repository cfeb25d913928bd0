import { describe, expect, it } from 'vitest';
import type { RadiusVersion } from '../../../src/domain/nas.js';
import {
  agreedVersion,
  chooseProtocol,
  protocolsOf,
} from '../../../src/radius/protocol-version.js';

const FORBID: readonly RadiusVersion[] = ['1.0'];
const ALLOW: readonly RadiusVersion[] = ['1.0', '1.1'];
const REQUIRE: readonly RadiusVersion[] = ['1.1'];

describe('the versions that a server has and those that a client offers', () => {
  it.each<[readonly RadiusVersion[], readonly RadiusVersion[], string | undefined]>([
    [FORBID, FORBID, 'radius/1.0'],
    [FORBID, ALLOW, 'radius/1.0'],
    [FORBID, REQUIRE, undefined],
    [ALLOW, FORBID, 'radius/1.0'],
    [ALLOW, ALLOW, 'radius/1.1'],
    [ALLOW, REQUIRE, 'radius/1.1'],
    [REQUIRE, FORBID, undefined],
    [REQUIRE, ALLOW, 'radius/1.1'],
    [REQUIRE, REQUIRE, 'radius/1.1'],
  ])('%j and %j agree on %s', (server, client, agreed) => {
    expect(chooseProtocol(server, protocolsOf(client))).toBe(agreed);
  });

  it('have nothing in common where the client offers other protocols', () => {
    expect(chooseProtocol(ALLOW, ['h2', 'radius/2.0'])).toBeUndefined();
  });
});

describe('a connection', () => {
  const connection = (alpnProtocol: string | false | null, protocol: string | null) => ({
    alpnProtocol,
    getProtocol: () => protocol,
  });

  it.each<[string, readonly RadiusVersion[], string | false, string, RadiusVersion | null]>([
    ['nothing agreed', ALLOW, false, 'TLSv1.2', '1.0'],
    ['nothing agreed, where 1.1 is required', REQUIRE, false, 'TLSv1.3', null],
    ['1.0 agreed', ALLOW, 'radius/1.0', 'TLSv1.2', '1.0'],
    ['1.1 agreed', ALLOW, 'radius/1.1', 'TLSv1.3', '1.1'],
    ['1.1 agreed over an older TLS', ALLOW, 'radius/1.1', 'TLSv1.2', null],
  ])('with %s', (_name, versions, alpn, protocol, version) => {
    const agreement = agreedVersion(versions, connection(alpn, protocol));
    expect(agreement.ok ? agreement.version : null).toBe(version);
  });
});
