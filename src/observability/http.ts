/** The small HTTP server for operations: `/metrics`, `/healthz`, `/readyz`. Not the management API. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import { checkReadiness, type ReadinessCheck } from './readiness.js';

export interface OperationsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** How long one readiness check may take before it counts as failed. */
  readonly checkTimeoutMs: number;
}

export interface OperationsServerDependencies {
  readonly metrics: Pick<Metrics, 'exposition' | 'contentType'>;
  readonly logger: Logger;
  /** By name of the part: redis, postgres, migrations, diameter … */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
}

export interface OperationsServer {
  /** Resolves with the address once it listens. @throws the operating system's error. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** From now on `/readyz` says no, so that load goes elsewhere; health and metrics go on. */
  beginStopping(): void;
  /** Answers what is being asked, then closes every connection. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
/** A scraper that neither asks nor leaves holds no connection longer than this. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Builds the server; nothing listens before {@link OperationsServer.listen}. */
export function createOperationsServer(
  options: OperationsServerOptions,
  { metrics, logger, checks }: OperationsServerDependencies,
): OperationsServer {
  let stopping = false;

  async function readiness(): Promise<Answer> {
    const report = await checkReadiness(checks, { timeoutMs: options.checkTimeoutMs });
    const ready = report.ready && !stopping;
    const status = stopping ? 'stopping' : ready ? 'ready' : 'not-ready';
    const body = `${JSON.stringify({ status, checks: report.checks }, null, 2)}\n`;
    return { status: ready ? 200 : 503, contentType: JSON_TYPE, body };
  }

  const routes: Readonly<Record<string, () => Promise<Answer>>> = {
    '/healthz': async () => ({ status: 200, contentType: TEXT, body: 'ok\n' }),
    '/readyz': readiness,
    '/metrics': async () => ({
      status: 200,
      contentType: metrics.contentType,
      body: await metrics.exposition(),
    }),
  };

  async function answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { status: 405, contentType: TEXT, body: 'use GET\n' };
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) {
      return { status: 404, contentType: TEXT, body: `try ${Object.keys(routes).join(' ')}\n` };
    }
    try {
      return await route();
    } catch (err) {
      logger.error({ err, path }, 'operations request failed');
      return { status: 500, contentType: TEXT, body: 'failed, see the log\n' };
    }
  }

  function send(request: IncomingMessage, response: ServerResponse, reply: Answer): void {
    response.writeHead(reply.status, {
      'content-type': reply.contentType,
      'content-length': Buffer.byteLength(reply.body),
      'cache-control': 'no-store',
      // A kept-alive connection would hold up the close.
      ...(stopping ? { connection: 'close' } : {}),
      ...(reply.status === 405 ? { allow: 'GET, HEAD' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : reply.body);
  }

  const server = createServer((request, response) => {
    request.resume();
    void answer(request).then((reply) => send(request, response, reply));
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;

  return {
    listen: async () => {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: options.host, port: options.port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      const { address, port } = server.address() as AddressInfo;
      logger.info({ host: address, port }, 'operations server listens');
      return { host: address, port };
    },
    beginStopping: () => {
      stopping = true;
    },
    close: async () => {
      stopping = true;
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
    },
  };
}
