/**
 * The connections of a simulated gateway: opened again when they end, chosen by turn or kept to a
 * session, and a request sent again, with the T flag, over another when its answer is late.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDiameterClient, type DiameterClient } from '../../diameter/client.js';
import type { NodeIdentity } from '../../diameter/identity.js';
import type { ReceivedServerRequest } from '../../diameter/messages/server-initiated.js';
import { NoAnswerError } from '../../diameter/pending-requests.js';
import type { Logger } from '../../observability/logger.js';
import { readAnswer, type SimulatedAnswer } from './answers.js';
import { writeRequest, type SimulatedRequest } from './requests.js';
import type { ResolvedTraffic } from './traffic.js';

const RECONNECT_MS = { first: 100, most: 2_000 };
/** Result-Codes after which a gateway turns to another node [RFC 6733 5.5.4, RFC 8506 5.7]. */
const ELSEWHERE = new Set([3002, 3004]);
const ELSEWHERE_PAUSE_MS = 50;

/** Whether an answer sends the gateway to another node, deciding nothing. */
export function isTurnedAway({ resultCode }: SimulatedAnswer): boolean {
  return ELSEWHERE.has(resultCode);
}

export interface GatewayDependencies {
  readonly identity: NodeIdentity;
  readonly logger: Logger;
  readonly serverRequest: (request: ReceivedServerRequest) => number;
  /** Told of each connection that opens or ends. */
  readonly changed: (node: string, open: boolean, reason: string | null) => void;
}

/** The answer to a request, and how it was had. */
export interface Exchange {
  readonly answer: SimulatedAnswer;
  readonly endToEnd: number;
  readonly tries: number;
}

/** A request that no connection got an answer to. */
export class UnansweredError extends Error {
  readonly code = 'TOLLD_SIMULATOR_UNANSWERED';

  constructor(tries: number) {
    super(`no answer after ${tries} tries`);
    this.name = 'UnansweredError';
  }
}

interface Line {
  readonly node: string;
  client: DiameterClient;
}

export class Gateway {
  readonly #traffic: ResolvedTraffic;
  readonly #dependencies: GatewayDependencies;
  readonly #lines: Line[] = [];
  #turn = 0;
  #endToEnd = 0;
  #closing = false;

  constructor(traffic: ResolvedTraffic, dependencies: GatewayDependencies) {
    this.#traffic = traffic;
    this.#dependencies = dependencies;
  }

  /** Opens every connection. @throws ConnectionError when one can't be opened at the start. */
  async open(): Promise<void> {
    this.#endToEnd = (Math.floor(Date.now() / 1000) & 0xfff) * 0x100000;
    for (const { host, port } of this.#traffic.nodes) {
      for (let count = 0; count < this.#traffic.connectionsPerNode; count += 1) {
        const line = {
          node: `${host}:${port}`,
          client: this.#dial(host, port, this.#lines.length),
        };
        this.#lines.push(line);
        await line.client.open();
        this.#dependencies.changed(line.node, true, null);
      }
    }
  }

  /**
   * Sends a request until it is answered, each time over another connection, with the T flag and
   * the same end-to-end identifier.
   * @throws UnansweredError
   */
  async exchange(
    request: SimulatedRequest,
    options: { readonly line: number; readonly endToEnd?: number },
  ): Promise<Exchange> {
    const endToEnd = options.endToEnd ?? this.#nextEndToEnd();
    const { triesMax, answerMs, routing } = this.#traffic;
    let line = routing === 'alternate' ? (this.#turn += 1) : options.line;
    for (let tries = 1; tries <= triesMax; tries += 1, line += 1) {
      const client = await this.#pick(line);
      if (client === null) continue;
      const sent = { ...request, retransmitted: request.retransmitted || tries > 1 };
      try {
        const answer = await client.request(
          (writer, ids) => writeRequest(writer, ids, sent, client.identity),
          readAnswer,
          { timeoutMs: answerMs, endToEnd },
        );
        if (!isTurnedAway(answer) || tries === triesMax) return { answer, endToEnd, tries };
        await sleep(ELSEWHERE_PAUSE_MS);
      } catch (error) {
        if (!(error instanceof NoAnswerError)) throw error;
      }
    }
    throw new UnansweredError(triesMax);
  }

  /** Says goodbye on every connection. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#lines.map(({ client }) => client.close()));
  }

  #nextEndToEnd(): number {
    this.#endToEnd = this.#endToEnd >= 0xffffffff ? 0 : this.#endToEnd + 1;
    return this.#endToEnd;
  }

  /** An open connection, `from` on; waits a moment for one. */
  async #pick(from: number): Promise<DiameterClient | null> {
    const until = performance.now() + this.#traffic.answerMs;
    for (;;) {
      for (let step = 0; step < this.#lines.length; step += 1) {
        const line = this.#lines[(from + step) % this.#lines.length];
        if (line?.client.isOpen === true) return line.client;
      }
      if (this.#closing || performance.now() > until) return null;
      await sleep(20);
    }
  }

  #dial(host: string, port: number, index: number): DiameterClient {
    const { identity, logger, serverRequest } = this.#dependencies;
    return createDiameterClient(
      { identity, host, port, limits: { requestMs: this.#traffic.answerMs } },
      {
        logger,
        serverRequest,
        closed: (reason) => {
          this.#dependencies.changed(`${host}:${port}`, false, reason);
          void this.#redial(host, port, index);
        },
      },
    );
  }

  async #redial(host: string, port: number, index: number): Promise<void> {
    const line = this.#lines[index];
    let pauseMs = RECONNECT_MS.first;
    while (line !== undefined && !this.#closing) {
      await sleep(pauseMs, undefined, { ref: false });
      line.client = this.#dial(host, port, index);
      try {
        await line.client.open();
        this.#dependencies.changed(line.node, true, null);
        return;
      } catch {
        pauseMs = Math.min(pauseMs * 2, RECONNECT_MS.most);
      }
    }
  }
}
