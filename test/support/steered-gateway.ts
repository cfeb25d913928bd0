/** A gateway of tests that has one session: it says what it was asked, and comes back when told. */
import { createDiameterClient, type DiameterClient } from '../../src/diameter/client.js';
import type { ReceivedServerRequest } from '../../src/diameter/messages/server-initiated.js';
import { readAnswer, type SimulatedAnswer } from '../../src/local/gy-simulator/answers.js';
import {
  writeRequest,
  type ServiceAsked,
  type SimulatedPhase,
} from '../../src/local/gy-simulator/requests.js';
import { createLogger } from '../../src/observability/logger.js';
import { TEST_REALM } from './daemon.js';

export interface SteeredGateway {
  readonly sessionId: string;
  /** Requests of the server, in their order. */
  readonly asked: readonly ReceivedServerRequest['command'][];
  /** The next request of the session, for one service of octets. */
  ask(
    phase: SimulatedPhase,
    service?: Pick<ServiceAsked, 'requested' | 'used' | 'reason'>,
  ): Promise<SimulatedAnswer>;
  /** Connects, again where it was connected before. @throws ConnectionError */
  connect(port: number): Promise<void>;
  close(): Promise<void>;
}

let sessions = 0;

/** @param options.answers Result-Code of its answers to Re-Auth and Abort-Session. */
export function createSteeredGateway(options: {
  readonly host: string;
  readonly realm: string;
  readonly imsi: string;
  readonly answers: Readonly<Record<ReceivedServerRequest['command'], number>>;
}): SteeredGateway {
  const { host, realm, imsi, answers } = options;
  const asked: ReceivedServerRequest['command'][] = [];
  sessions += 1;
  const sessionId = `${host};${Date.now()};${sessions}`;
  const identity = { host, realm, originStateId: 0 };
  const logger = createLogger({ level: 'silent' });
  let client: DiameterClient | null = null;
  let number = 0;

  return {
    sessionId,
    asked,
    connect: async (port) => {
      await client?.close();
      client = createDiameterClient(
        { identity, host: '127.0.0.1', port },
        {
          logger,
          serverRequest: (request) => {
            if (request.sessionId !== sessionId) return 5002;
            asked.push(request.command);
            return answers[request.command];
          },
        },
      );
      await client.open();
    },
    ask: async (phase, service = {}) => {
      if (client === null) throw new Error('not connected');
      const { identity: encoded } = client;
      const request = {
        kind: 'data',
        phase,
        sessionId,
        number,
        subscriber: { imsi, msisdn: imsi.slice(3) },
        services: [{ ratingGroup: 10, serviceIdentifier: null, unit: 'octets', ...service }],
        apn: 'internet',
        calledParty: null,
        destinationRealm: TEST_REALM,
        destinationHost: null,
        retransmitted: false,
        at: Date.now(),
      } as const;
      number += 1;
      return client.request(
        (writer, ids) => writeRequest(writer, ids, request, encoded),
        readAnswer,
      );
    },
    close: async () => {
      await client?.close();
    },
  };
}
