import { describe, expect, test } from 'vitest';
import { quoted, routerScript, type RouterScriptOptions } from '../../../src/cli/router-script.js';
import type { SealedText } from '../../../src/domain/sealed-text.js';

function script(changes: Partial<RouterScriptOptions> = {}): readonly string[] {
  return routerScript({
    nas: {
      name: 'tower-1',
      networkScope: 'default',
      addresses: ['192.0.2.10'],
      secrets: ['v1.sealed' as SealedText],
      vendor: 'mikrotik',
      dynamicAuthorization: { address: '192.0.2.10', port: 3799 },
    },
    secret: null,
    server: '192.0.2.1',
    sourceAddress: null,
    interimSeconds: 300,
    ntpServers: ['192.0.2.2'],
    portalHosts: ['pay.example'],
    gardenLists: ['walled-garden'],
    hotspotLogin: ['http-chap', 'mac-cookie'],
    ...changes,
  });
}

const NAS = {
  name: 'tower-1',
  networkScope: 'default',
  secrets: ['v1.sealed' as SealedText],
  vendor: 'mikrotik',
} as const;

const commandsOf = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.startsWith('/'));

describe('the script of a router', () => {
  test('sets up everything that its services need, and can run again', () => {
    expect(commandsOf(script())).toEqual([
      '/system identity set name="tower-1"',
      '/radius remove [find comment="tolld"]',
      '/radius add service=ppp,hotspot address=192.0.2.1 secret="<the shared secret>" ' +
        'src-address=192.0.2.10 timeout=3s comment="tolld"',
      '/radius incoming set accept=yes port=3799',
      '/ip firewall filter remove [find comment="tolld incoming"]',
      '/ip firewall filter add chain=input protocol=udp dst-port=3799 src-address=192.0.2.1 ' +
        'action=accept place-before=0 comment="tolld incoming"',
      '/ppp aaa set use-radius=yes accounting=yes interim-update=300s',
      '/ppp secret print',
      '/ip hotspot profile set [find] use-radius=yes radius-accounting=yes ' +
        'radius-interim-update=received login-by=http-chap,mac-cookie',
      '/ip hotspot user profile set [find default=yes] address-pool=none',
      '/ip hotspot walled-garden remove [find comment="tolld"]',
      '/ip hotspot walled-garden add action=allow dst-host="pay.example" comment="tolld"',
      '/ip hotspot user print',
      '/ip firewall address-list remove [find comment="tolld garden"]',
      '/ip firewall filter remove [find comment="tolld garden"]',
      '/ip firewall address-list add list=tolld-portal address=pay.example comment="tolld garden"',
      '/ip firewall filter add chain=forward src-address-list="walled-garden" ' +
        'dst-address-list=!tolld-portal action=drop place-before=0 comment="tolld garden"',
      '/system ntp client set enabled=yes servers=192.0.2.2',
      '/radius monitor [find comment="tolld"] once',
      '/radius incoming print',
      '/ppp aaa print',
      '/ip hotspot profile print',
    ]);
  });

  test('has nothing of a hotspot for a router that has none', () => {
    const lines = script({ nas: { ...NAS, addresses: ['192.0.2.10'], services: ['pppoe'] } });
    expect(lines.join('\n')).not.toMatch(/hotspot/);
    expect(lines.join('\n')).toContain('service=ppp address');
  });

  test('opens no port where sessions are not steered', () => {
    const commands = commandsOf(script({ nas: { ...NAS, addresses: ['192.0.2.10'] } }));
    expect(commands.join('\n')).not.toMatch(/radius incoming set|dst-port/);
  });

  test('names no source for a range of routers, and the identifier that tells one of them', () => {
    const nas = { ...NAS, addresses: ['10.0.0.0/8'], nasIdentifier: 'tower "one"' };
    const commands = commandsOf(script({ nas }));
    expect(commands[0]).toBe('/system identity set name="tower \\"one\\""');
    expect(commands.join('\n')).not.toContain('src-address=10');
    expect(commandsOf(script({ nas, sourceAddress: '10.1.2.3' })).join('\n')).toContain(
      'src-address=10.1.2.3',
    );
  });

  test('speaks RadSec for a NAS that is known by its certificate', () => {
    const nas = { ...NAS, addresses: [], certificateNames: ['tower-1.example'] };
    expect(commandsOf(script({ nas, secret: 'unused' })).join('\n')).toContain(
      'protocol=radsec secret="radsec"',
    );
  });

  test('holds the secret only where it was given, so that no character of it is a command', () => {
    const text = script({ secret: 'a"b$c\\d?e' }).join('\n');
    expect(text).toContain('secret="a\\"b\\$c\\\\d\\?e"');
    expect(text).not.toContain('<the shared secret>');
    expect(quoted('plain')).toBe('"plain"');
  });
});
