/** One Accounting-Request from packet to reply: recorded first, answered then [RFC 2866 4.1]. */
import type { AccountingHandler } from '../domain/access.js';
import type { GenuineRequest, Reply } from './access-exchange.js';
import { readReport } from './accounting-report.js';
import { PACKET_CODES } from './packet-code.js';
import type { SealingKeys } from './sealing-keys.js';
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
  return async (request) => {
    const { packet, secret } = request;
    const reply: Reply = { code: PACKET_CODES['Accounting-Response'], attributes: [], secret };
    const result = readReport(packet, { ...request, keys });
    switch (result.kind) {
      case 'irrelevant':
        return reply;
      case 'incomplete':
        onIncomplete(result.missing, request);
        return secret === null ? INCOMPLETE : null;
      case 'report': {
        const outcome = await accounting(result.report);
        return outcome.kind === 'unavailable' ? null : reply;
      }
    }
  };
}
