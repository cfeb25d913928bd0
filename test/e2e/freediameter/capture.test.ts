import { afterEach, describe, expect, it } from 'vitest';
import { startDiameterNode, type DiameterNode } from '../../support/diameter-node.js';
import { readVector } from '../../support/diameter-vectors.js';
import { WirePeer } from '../../support/diameter-wire.js';
import { startCapture } from '../../support/tshark.js';

let node: DiameterNode | undefined;
afterEach(() => node?.server.close());

describe('a capture', () => {
  it('names what was said, and complains of a message that is broken', async () => {
    node = await startDiameterNode();
    const capture = await startCapture([node.port]);
    const peer = await WirePeer.open(node.port, readVector('base.txt', 'cer').bytes);
    await peer.exchange(readVector('errors.txt', 'avp-length-too-long').bytes);
    const report = await capture.stop();
    expect(report.messages.map(({ command, request }) => [command, request])).toEqual([
      ['Capabilities-Exchange', true],
      ['Capabilities-Exchange', false],
      ['Credit-Control', true],
      ['Credit-Control', false],
    ]);
    expect(report.complaints.join()).toContain('Wrong AVP(432) length 200');
  });
});
