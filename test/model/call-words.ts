/** Calls in a line each, for people. */
import { canonical } from './comparison.js';
import type { Call } from './driver.js';

const CALLS_SHOWN = 30;

/** The last calls, numbered from the first. */
export function describeCalls(calls: readonly Call[]): string {
  return calls
    .map((call, index) => `  ${index} ${describeCall(call)}`)
    .slice(-CALLS_SHOWN)
    .join('\n');
}

function describeCall(call: Call): string {
  switch (call.kind) {
    case 'sweep':
      return `sweep ${call.timer.member} at ${call.now}`;
    case 'credit': {
      const { accountId, intentNumber, operations, now } = call.request;
      return `credit ${accountId} #${intentNumber} at ${now} ${canonical(operations)}`;
    }
    case 'provision': {
      const { accountId, standing, profileVersion } = call.request;
      return `provision ${accountId} ${standing} ${profileVersion}`;
    }
    case 'purge':
      return `purge ${call.accountId}, recorded up to ${call.recorded}`;
    case 'fence':
      return call.closed ? 'fence' : 'unfence';
    default:
      return describeRequest(call);
  }
}

function describeRequest({
  kind,
  request,
}: Extract<Call, { kind: 'charge' | 'settle' | 'enquire' }>): string {
  const services = request.services.map(({ key, used, usedAfter, want }) =>
    [
      `${key}:`,
      `used ${used}`,
      ...(usedAfter > 0 ? [`after ${usedAfter}`] : []),
      `ask ${want ?? '-'}`,
    ].join(' '),
  );
  const action = request.action === 'refund' ? ' refund' : '';
  const owner = request.sharing ? ` of ${request.sharing.ownerAccountId}` : '';
  const head = `${kind} ${request.phase}${action} ${request.sessionId} #${request.requestNumber}`;
  return `${head} on ${request.accountId}${owner} at ${request.now ?? 0}: ${services.join('; ')}`;
}
