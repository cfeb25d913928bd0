/** Ports that nothing else on this machine listens on. */
import { createServer } from 'node:net';
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
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer();
  return await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** The wanted port, or another where somebody has taken it, which is told. */
export async function choosePort(
  wanted: number,
  { name, host }: { readonly name: string; readonly host?: string },
  { progress }: { readonly progress: Progress },
): Promise<number> {
  if (await isPortFree(wanted, host)) return wanted;
  const port = await findFreePort();
  progress.note(`  port ${wanted} is taken: ${name} gets ${port} this time`);
  return port;
}
