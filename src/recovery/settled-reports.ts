/** Sessions whose last reports only the record has: sent again, those must not be charged again. */
import type { ResumedSession, SettledReport } from '../charging/restoring.js';
import { toAmount } from '../domain/amounts.js';
import type { RecordedReport } from '../records/restorable.js';
import type { RestoreOptions } from './restored-account.js';

/**
 * The sessions with the reports that they are to know as answered. A session that the record has only
 * by its reports was a one-time event, which was over with its answer.
 */
export function withSettledReports(
  sessions: readonly ResumedSession[],
  reports: readonly RecordedReport[],
  options: RestoreOptions,
): readonly ResumedSession[] {
  const bySession = new Map<string, RecordedReport[]>();
  for (const report of reports) {
    const together = bySession.get(report.sessionId);
    if (together === undefined) bySession.set(report.sessionId, [report]);
    else together.push(report);
  }
  const known = sessions.map((session) => ({
    ...session,
    settled: settledReports(bySession.get(session.sessionId) ?? []),
  }));
  const ids = new Set(sessions.map(({ sessionId }) => sessionId));
  const events = [...bySession].filter(([sessionId]) => !ids.has(sessionId));
  return [...known, ...events.map(([, own]) => answeredEvent(own, options))];
}

/** By request: its services, each once. */
function settledReports(reports: readonly RecordedReport[]): readonly SettledReport[] {
  const numbers = new Map<number, Map<string, RecordedReport>>();
  for (const report of reports) {
    const services = numbers.get(report.requestNumber) ?? new Map<string, RecordedReport>();
    numbers.set(report.requestNumber, services.set(report.service, report));
  }
  const inOrder = [...numbers].sort(([left], [right]) => left - right);
  return inOrder.map(([number, services]) => {
    const last = [...services.values()];
    return {
      number,
      at: Math.max(...last.map(({ at }) => at)),
      services: last.map(({ service, sessionCost, currency }) => ({
        key: service,
        cost: toAmount(sessionCost),
        currency,
      })),
    };
  });
}

function answeredEvent(
  reports: readonly RecordedReport[],
  { sessionRetentionMs }: RestoreOptions,
): ResumedSession {
  const [first] = reports;
  if (first === undefined) throw new Error('a session without a report');
  const { sessionId, at, tenant, protocol } = first;
  return {
    sessionId,
    state: 'closed',
    openedAt: at,
    lastNumber: Math.max(...reports.map(({ requestNumber }) => requestNumber)),
    lastSeen: at,
    deadline: at + sessionRetentionMs,
    retentionMs: sessionRetentionMs,
    stamp: {
      tenant,
      customer: null,
      subscription: null,
      protocol: protocol ?? 'gy',
      peer: null,
      serviceContext: null,
      personal: {},
      network: {},
      eventTimestamp: null,
      configVersion: 0,
    },
    services: [],
    network: null,
    settled: settledReports(reports),
  };
}
