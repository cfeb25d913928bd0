/** Ports that nothing else on this machine listens on. */
import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import type { Progress } from './progress.js';

/** A loopback TCP port that nothing listens on at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return address.port;
}

/** Whether a TCP port of an address (default: loopback) can be listened on. */
async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer();
  return await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** The UDP port of an address that could be bound, any for 0; null where it is taken. */
export async function bindableUdpPort(port: number, host = '127.0.0.1'): Promise<number | null> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, host, resolve);
    });
    return socket.address().port;
  } catch {
    return null;
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}

interface PortUse {
  readonly name: string;
  readonly host?: string;
}

function tellOther(wanted: number, port: number, { name }: PortUse, progress: Progress): number {
  progress.note(`  port ${wanted} is taken: ${name} gets ${port} this time`);
  return port;
}

/** The wanted TCP port, or another where somebody has taken it, which is told. */
export async function choosePort(
  wanted: number,
  use: PortUse,
  { progress }: { readonly progress: Progress },
): Promise<number> {
  if (await isPortFree(wanted, use.host)) return wanted;
  return tellOther(wanted, await findFreePort(), use, progress);
}

/** {@link choosePort} for UDP. */
export async function chooseUdpPort(
  wanted: number,
  use: PortUse,
  { progress }: { readonly progress: Progress },
): Promise<number> {
  const free = await bindableUdpPort(wanted, use.host);
  if (free !== null) return free;
  const other = await bindableUdpPort(0, use.host);
  // An address that nothing can be bound to is told by who listens there, by its own error.
  return other === null ? wanted : tellOther(wanted, other, use, progress);
}
