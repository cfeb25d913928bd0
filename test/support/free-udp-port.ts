import { bindableUdpPort } from '../../src/local/port-choice.js';

/** A loopback UDP port that nothing listens on at this moment. */
export async function findFreeUdpPort(): Promise<number> {
  return (await bindableUdpPort(0)) ?? findFreeUdpPort();
}

/** One of four digits, for programs that read no more of a port than that. */
export async function findShortUdpPort(): Promise<number> {
  const port = 2_000 + Math.floor(Math.random() * 8_000);
  return (await bindableUdpPort(port)) ?? findShortUdpPort();
}
