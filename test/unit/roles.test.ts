import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.js';
import { ROLES } from '../../src/settings.js';

function faultsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  try {
    loadConfig({ environment });
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('the settings of several processes and servers', () => {
  test('a process has every role unless told otherwise', () => {
    expect(loadConfig({ environment: {} }).config.node.roles).toEqual(ROLES);
    const environment = { TOLLD_NODE_ROLES: 'flusher, sweeper,flusher' };
    expect(loadConfig({ environment }).config.node.roles).toEqual(['flusher', 'sweeper']);
  });

  test('a role that there is not is named with those that there are', () => {
    expect(faultsOf({ TOLLD_NODE_ROLES: 'flushed' })).toEqual([
      'TOLLD_NODE_ROLES is "flushed", but must be some of diameter, radius, flusher, sweeper, ' +
        'management, with commas between them',
    ]);
    expect(faultsOf({ TOLLD_NODE_ROLES: ',' })).toHaveLength(1);
  });

  test('addresses are host and port, of IPv6 in brackets', () => {
    const environment = { TOLLD_REDIS_NODES: '10.0.0.1:6379,[2001:db8::1]:6380' };
    expect(loadConfig({ environment }).config.redis.nodes).toEqual([
      '10.0.0.1:6379',
      '[2001:db8::1]:6380',
    ]);
    expect(faultsOf({ TOLLD_REDIS_NODES: '10.0.0.1' })).toHaveLength(1);
  });

  test('sentinels must be named', () => {
    expect(faultsOf({ TOLLD_REDIS_TOPOLOGY: 'sentinel' })).toEqual([
      'redis.topology is sentinel: redis.nodes must name the sentinels',
    ]);
  });
});
