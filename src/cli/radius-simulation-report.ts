/** What a simulated NAS did, in lines for a person. */
import type {
  RadiusSimulation,
  RadiusSimulatorEvent,
} from '../local/radius-simulator/simulator.js';
import type { SimulatedTerms } from '../local/radius-simulator/session-terms.js';
import type { UsageDifference } from '../local/radius-simulator/comparison.js';
import { formatTable } from './output.js';

function termsText(terms: SimulatedTerms): string {
  const parts: readonly (readonly [string, string | number | null])[] = [
    ['address', terms.address],
    ['pool', terms.pool],
    ['rate', terms.rateLimit],
    ['list', terms.addressList],
    ['seconds', terms.sessionSecondsMax],
    ['up', terms.uploadOctetsMax],
    ['down', terms.downloadOctetsMax],
    ['total', terms.totalOctetsMax],
    ['interim', terms.interimSeconds],
  ];
  return parts
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** A line for what a person wants to see; null for the rest. */
export function describeRadiusEvent(event: RadiusSimulatorEvent): string | null {
  switch (event.type) {
    case 'session-started': {
      const { userName, service, method, station } = event.subscriber;
      return `${event.acctSessionId}  ${service} ${userName} (${method}, ${station})`;
    }
    case 'answer': {
      const tries = event.tries > 1 ? `, try ${event.tries}` : '';
      const what = `${event.request.padEnd(12)} ->  ${event.code}`;
      return `${event.acctSessionId}  ${what}  ${event.latencyMs.toFixed(1)} ms${tries}`;
    }
    case 'unanswered':
      return `${event.acctSessionId}  ${event.request.padEnd(12)} ->  no answer`;
    case 'steered': {
      const answer = event.refused === null ? 'taken' : `refused: ${event.refused}`;
      return `${event.acctSessionId}  ${event.kind} by the server: ${answer}`;
    }
    case 'session-ended': {
      const { uploadOctets, downloadOctets, seconds } = event.usage;
      const words = event.rejectMessage === null ? '' : ` "${event.rejectMessage}"`;
      const used = `up ${uploadOctets}, down ${downloadOctets}, ${seconds} s`;
      const terms = termsText(event.terms);
      return `${event.acctSessionId}  ${event.end}${words}: ${used}${terms === '' ? '' : ` [${terms}]`}`;
    }
    case 'rebooted':
      return `the router restarted: boot ${event.bootMark}`;
  }
}

/** Counts and latencies of a whole run. */
export function describeRadiusResult({ statistics }: RadiusSimulation): readonly string[] {
  const { sessionsStarted, sessionsEnded, answers, unanswered, resent, badReplies, latencyMs } =
    statistics;
  const ends = Object.entries(sessionsEnded).map(([end, count]) => `${count} ${end}`);
  const { p50, p95, p99, max } = latencyMs;
  const milliseconds = [p50, p95, p99, max].map((value) => value.toFixed(1));
  return [
    '',
    `${sessionsStarted} sessions (${ends.join(', ')}), ${unanswered} requests unanswered, ` +
      `${resent} sent again, ${badReplies} replies not genuine`,
    ...formatTable(['answer', 'count'], Object.entries(answers)),
    `latency ms: p50 ${milliseconds[0]}, p95 ${milliseconds[1]}, p99 ${milliseconds[2]}, ` +
      `max ${milliseconds[3]}`,
  ];
}

/** What was charged otherwise than it was used. */
export function describeDifferences(differences: readonly UsageDifference[]): readonly string[] {
  if (differences.length === 0) return ['charged as it was used'];
  const bounds = ({ least, most }: UsageDifference): string =>
    least === most ? String(least) : `${least} to ${most}`;
  return formatTable(
    ['session', 'user', 'used', 'charged'],
    differences.map((one) => [one.acctSessionId, one.userName, bounds(one), String(one.charged)]),
  );
}
