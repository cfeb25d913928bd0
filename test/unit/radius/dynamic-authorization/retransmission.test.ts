import { describe, expect, it } from 'vitest';
import {
  RETRANSMISSION_DEFAULTS,
  nextWaitMs,
} from '../../../../src/radius/dynamic-authorization/retransmission.js';
import { SourcePorts } from '../../../../src/radius/dynamic-authorization/source-ports.js';

describe('waits between resends', () => {
  const waits = (random: number): number[] => {
    const all: number[] = [];
    let wait: number | null = null;
    for (let n = 0; n < 6; n += 1) {
      wait = nextWaitMs(wait, RETRANSMISSION_DEFAULTS, random);
      all.push(Math.round(wait));
    }
    return all;
  };

  it('begin with two seconds and double up to sixteen', () => {
    expect(waits(0.5)).toEqual([2_000, 4_000, 8_000, 16_000, 16_000, 16_000]);
  });

  it('are a tenth shorter or longer, so that clients do not resend in step', () => {
    expect(waits(0)).toEqual([1_800, 3_420, 6_498, 12_346, 14_400, 14_400]);
    expect(waits(1)[0]).toBe(2_200);
    expect(waits(1).at(-1)).toBe(17_600);
  });
});

describe('places to send from', () => {
  it('use every identifier of a port before the next port', () => {
    const ports = new SourcePorts({ portsMax: 2, windowMs: 300_000 });
    const places = Array.from({ length: 512 }, () => ports.take('a', 0));
    expect(places[0]).toEqual({ port: 0, identifier: 0 });
    expect(places[255]).toEqual({ port: 0, identifier: 255 });
    expect(places[256]).toEqual({ port: 1, identifier: 0 });
    expect(new Set(places.map((place) => JSON.stringify(place))).size).toBe(512);
    expect(ports.take('a', 299_999)).toBeNull();
  });

  it('are free again towards the same NAS after the window', () => {
    const ports = new SourcePorts({ portsMax: 1, windowMs: 300_000 });
    for (let n = 0; n < 256; n += 1) ports.take('a', n * 1_000);
    expect(ports.take('a', 300_000)).toEqual({ port: 0, identifier: 0 });
    expect(ports.take('a', 300_000)).toBeNull();
    expect(ports.take('a', 301_000)).toEqual({ port: 0, identifier: 1 });
  });

  it('are counted for each NAS apart', () => {
    const ports = new SourcePorts({ portsMax: 1, windowMs: 300_000 });
    for (let n = 0; n < 256; n += 1) ports.take('a', 0);
    expect(ports.take('b', 0)).toEqual({ port: 0, identifier: 0 });
  });
});
