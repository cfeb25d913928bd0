import { isIPv4 } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  NasClientsError,
  createNasRegistry,
  selectNas,
  type NasClientOptions,
} from '../../../src/radius/nas-clients.js';

function nas(name: string, changes: Partial<NasClientOptions> = {}): NasClientOptions {
  return {
    name,
    networkScope: 'isp',
    addresses: ['192.0.2.1'],
    secrets: ['testing123'],
    vendor: 'mikrotik',
    ...changes,
  };
}

function found(clients: readonly NasClientOptions[], address: string, identifier?: string) {
  return selectNas(createNasRegistry(clients).atAddress(address), identifier)?.name;
}

describe('a NAS is found by its source', () => {
  const clients = [
    nas('wide', { addresses: ['10.0.0.0/8', '2001:db8::/32'] }),
    nas('narrow', { addresses: ['10.1.0.0/16', '2001:db8:1::/48'] }),
    nas('one', { addresses: ['10.1.2.3', '2001:db8:1::5'] }),
    nas('odd', { addresses: ['172.16.8.0/21'] }),
  ];
  it.each([
    ['10.9.9.9', 'wide'],
    ['10.1.9.9', 'narrow'],
    ['10.1.2.3', 'one'],
    ['172.16.15.255', 'odd'],
    ['172.16.16.0', undefined],
    ['11.0.0.1', undefined],
    ['2001:db8:9::1', 'wide'],
    ['2001:db8:1::6', 'narrow'],
    ['2001:DB8:1:0:0:0:0:5', 'one'],
    ['2001:db9::1', undefined],
    ['not an address', undefined],
  ])('%s is %s', (address, name) => {
    expect(found(clients, address)).toBe(name);
  });

  it('the same way a second time', () => {
    const registry = createNasRegistry(clients);
    expect(registry.atAddress('10.1.2.3')).toBe(registry.atAddress('10.1.2.3'));
    expect(registry.named('odd')?.vendor).toBe('mikrotik');
    expect(registry.named('even')).toBeUndefined();
  });

  it.each([
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '1.2.3.256',
    '1.2.3.04',
    '1.2.3.-4',
    '1..2.3',
    '',
  ])('%j is no address, though everybody is somebody', (text) => {
    expect(found([nas('all', { addresses: ['0.0.0.0/0'] })], text)).toBeUndefined();
    expect(isIPv4(text)).toBe(false);
  });

  it('and addresses that are declared by themselves are known before they send', () => {
    const registry = createNasRegistry([
      ...clients,
      nas('again', { addresses: ['10.1.2.3/32'], nasIdentifier: 'b' }),
    ]);
    expect(registry.hosts()).toEqual(['10.1.2.3', '2001:db8:1::5']);
  });

  it('and 0.0.0.0/0 is everybody else', () => {
    const all = [...clients, nas('all', { addresses: ['0.0.0.0/0'] })];
    expect(found(all, '8.8.8.8')).toBe('all');
    expect(found(all, '2001:db9::1')).toBeUndefined();
  });
});

describe('several NAS behind one address are told apart by NAS-Identifier', () => {
  const clients = [
    nas('others', { addresses: ['192.0.2.1'] }),
    nas('tower-a', { nasIdentifier: 'tower-a' }),
    nas('tower-b', { nasIdentifier: 'tower-b' }),
    nas('net', { addresses: ['192.0.2.0/24'] }),
  ];
  it('by their own', () => {
    expect(found(clients, '192.0.2.1', 'tower-a')).toBe('tower-a');
    expect(found(clients, '192.0.2.1', 'tower-b')).toBe('tower-b');
  });

  it('or as the one without', () => {
    expect(found(clients, '192.0.2.1', 'tower-c')).toBe('others');
    expect(found(clients, '192.0.2.1')).toBe('others');
  });

  it('or as the wider range, or nobody', () => {
    expect(found(clients.slice(1), '192.0.2.1', 'tower-c')).toBe('net');
    expect(found(clients.slice(1, 3), '192.0.2.1', 'tower-c')).toBeUndefined();
    expect(found(clients.slice(1, 3), '192.0.2.1')).toBeUndefined();
  });
});

it('finds a NAS by a name of its certificate, whatever its case', () => {
  const registry = createNasRegistry([
    nas('a', { addresses: [], certificateNames: ['NAS-A.example.net'] }),
    nas('b', { addresses: [], certificateNames: ['nas-b.example.net', '192.0.2.7'] }),
  ]);
  const names = (given: readonly string[]) =>
    registry.withCertificate(given).map(({ name }) => name);
  expect(names(['nas-a.EXAMPLE.net'])).toEqual(['a']);
  expect(names(['other', '192.0.2.7'])).toEqual(['b']);
  expect(names(['other'])).toEqual([]);
});

it('fills in what most NAS do', () => {
  expect(createNasRegistry([nas('a')]).named('a')).toMatchObject({
    messageAuthenticator: 'auto',
    counterDirection: 'input-is-upload',
    connection: null,
    nasIdentifier: null,
    eapMethods: ['ms-chap2', 'md5'],
    dynamicAuthorization: null,
  });
});

it('names every fault of a list at once', () => {
  const list = [
    nas('a b'),
    nas('twice'),
    nas('twice', { addresses: ['192.0.2.2'] }),
    nas('nowhere', { addresses: [] }),
    nas('range', { addresses: ['192.0.2.0/33', '2001:db8::/129', 'host.example'] }),
    nas('secretless', { addresses: ['192.0.2.3'], secrets: [] }),
    nas('emptysecret', { addresses: ['192.0.2.4'], secrets: [''] }),
    nas('clash', { addresses: ['192.0.2.2/32'] }),
    nas('coa', {
      addresses: ['192.0.2.5'],
      dynamicAuthorization: { address: 'router', port: 3799 },
    }),
  ];
  const faultsOf = (): readonly string[] => {
    try {
      createNasRegistry(list);
    } catch (error) {
      if (error instanceof NasClientsError) return error.faults;
    }
    return [];
  };
  expect(faultsOf()).toEqual([
    'a b: a name has 1 to 64 letters, digits or .@_-',
    'twice: the name is used twice',
    'nowhere: neither an address nor a certificate name',
    'range: 192.0.2.0/33 is no address or range',
    'range: 2001:db8::/129 is no address or range',
    'range: host.example is no address or range',
    'secretless: no secret',
    'emptysecret: a shared secret has 1 to 255 octets',
    'coa: router is no address',
    'twice and a b: same addresses, same NAS-Identifier',
    'clash and twice: same addresses, same NAS-Identifier',
  ]);
});
