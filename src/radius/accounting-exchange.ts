/** One Accounting-Request from packet to reply: recorded first, answered then [RFC 2866 4.1]. */
import type { AccountingHandler } from '../domain/access.js';
import type { GenuineRequest, Reply } from './access-exchange.js';
import { readReport } from './accounting-report.js';
import { PACKET_CODES } from './packet-code.js';
import type { SealingKeys } from './sealing-keys.js';
import type { SharedSecret } from './shared-secret.js';
import { errorAttributes } from './token-packet.js';

export interface AccountingExchangeOptions {
  readonly keys: SealingKeys;
}

export interface AccountingExchangeDependencies {
  readonly accounting: AccountingHandler;
  /** Told why a request is not answered although its NAS is known. */
  readonly onIncomplete: (
    missing: 'no-status-type' | 'no-session-id',
    request: GenuineRequest,
  ) => void;
}

/** Over RADIUS/1.1 a request that can't be recorded is told so [RFC 9765 6.1]. */
const INCOMPLETE: Reply = {
  code: PACKET_CODES['Protocol-Error'],
  attributes: errorAttributes('Missing-Attribute'),
  secret: null,
};

export type AccountingExchange = (request: GenuineRequest) => Promise<Reply | null>;

/** Resolves with the reply once the report is durable, or null where none may be sent. */
export function createAccountingExchange(
  { keys }: AccountingExchangeOptions,
  { accounting, onIncomplete }: AccountingExchangeDependencies,
): AccountingExchange {
  // No async function: each makes several objects, and reports are the most of what comes.
  return (request) => {
    const { packet, nas, address, receivedAt, secret } = request;
    const result = readReport(packet, { nas, address, receivedAt, keys });
    switch (result.kind) {
      case 'irrelevant':
        return Promise.resolve(answerTo(secret));
      case 'incomplete':
        onIncomplete(result.missing, request);
        return Promise.resolve(secret === null ? INCOMPLETE : null);
      case 'report':
        return accounting(result.report).then(({ kind }) =>
          kind === 'unavailable' ? null : answerTo(secret),
        );
    }
  };
}

function answerTo(secret: SharedSecret | null): Reply {
  return { code: PACKET_CODES['Accounting-Response'], attributes: NO_ATTRIBUTES, secret };
}

const NO_ATTRIBUTES: Reply['attributes'] = [];
