import { createSocket } from 'node:dgram';

/** A loopback UDP port that nothing listens on at this moment. */
export async function findFreeUdpPort(): Promise<number> {
  return (await bindable(0)) ?? findFreeUdpPort();
}

/** One of four digits, for programs that read no more of a port than that. */
export async function findShortUdpPort(): Promise<number> {
  const port = 2_000 + Math.floor(Math.random() * 8_000);
  return (await bindable(port)) ?? findShortUdpPort();
}

/** The port that was bound; null where it is taken. */
async function bindable(port: number): Promise<number | null> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, '127.0.0.1', resolve);
    });
    return socket.address().port;
  } catch {
    return null;
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}
