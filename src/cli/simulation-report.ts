/** What a simulated gateway did, in lines for a person. */
import type { ServiceAnswered, SimulatedAnswer } from '../local/gy-simulator/answers.js';
import type { ServiceAsked, SimulatedRequest } from '../local/gy-simulator/requests.js';
import type {
  SimulationResult,
  SimulatorEvent,
  SimulatorStatistics,
} from '../local/gy-simulator/simulator.js';
import type { TallyDifference } from '../local/gy-simulator/tally.js';
import { formatTable } from './output.js';

const RESULT_WORDS: Readonly<Record<number, string>> = {
  2001: 'success',
  3004: 'too busy',
  4010: 'service denied',
  4011: 'not chargeable',
  4012: 'out of credit',
  5002: 'unknown session',
  5003: 'refused',
  5012: 'unable to comply',
  5030: 'unknown subscriber',
  5031: 'rating failed',
};

function resultText(code: number): string {
  const word = RESULT_WORDS[code];
  return word === undefined ? `result ${code}` : `${word} (${code})`;
}

function askedText({ ratingGroup, unit, used, requested }: ServiceAsked): string {
  const name = ratingGroup === null ? '' : `group ${ratingGroup} `;
  const report = used === undefined ? [] : [`used ${used}`];
  const ask =
    requested === undefined
      ? []
      : [requested === null ? 'asks for the default' : `asks for ${requested}`];
  return `${name}${[...report, ...ask].join(', ') || 'nothing'} ${unit}`;
}

function answeredText(service: ServiceAnswered): string {
  const { resultCode, granted, validitySeconds, finalUnit } = service;
  const parts = [
    ...(granted === null ? [] : [`granted ${granted.amount} ${granted.unit}`]),
    ...(validitySeconds === null ? [] : [`for ${validitySeconds} s`]),
    ...(finalUnit === null ? [] : [`the last, then ${finalUnit}`]),
    ...(resultCode === null || resultCode === 2001 ? [] : [resultText(resultCode)]),
  ];
  return parts.join(' ');
}

function exchangeLine(request: SimulatedRequest, outcome: string): string {
  const time = new Date(request.at).toISOString().slice(11, 23);
  const what = `${request.kind} ${request.phase} #${request.number}`.padEnd(18);
  const asked = request.services.map(askedText).join('; ');
  return `${time}  ${request.subscriber.imsi}  ${what}  ${asked}  ->  ${outcome}`;
}

function answerText(answer: SimulatedAnswer, latencyMs: number): string {
  const services = answer.services.map(answeredText).filter((text) => text !== '');
  const parts = [resultText(answer.resultCode), ...services];
  return `${parts.join('; ')}  ${latencyMs.toFixed(1)} ms`;
}

/** A line for what a person wants to see; null for the rest. */
export function describeExchange(event: SimulatorEvent): string | null {
  switch (event.type) {
    case 'answer':
      return exchangeLine(event.request, answerText(event.answer, event.latencyMs));
    case 'unanswered':
      return exchangeLine(event.request, 'no answer');
    case 'repeat-mismatch':
      return exchangeLine(event.request, 'the same request was answered differently');
    case 'connected':
      return `connected to ${event.node}`;
    case 'disconnected':
      return `disconnected from ${event.node}: ${event.reason}`;
    case 'server-request':
      return `${event.command} for ${event.sessionId}`;
    case 'session-started':
    case 'session-ended':
    case 'request':
      return null;
  }
}

/** Counts, results and latencies of a whole run. */
export function describeResult({ statistics }: SimulationResult): readonly string[] {
  const { sessionsStarted, requests, answers, unanswered, retransmitted, latencyMs } = statistics;
  const ends = Object.entries(statistics.sessionsEnded).filter(([, count]) => count > 0);
  const results = Object.entries(statistics.results).map(
    ([code, count]) => [resultText(Number(code)), count] as const,
  );
  const { p50, p95, p99, max } = latencyMs;
  const milliseconds = [p50, p95, p99, max].map((value) => value.toFixed(1));
  return [
    '',
    `${sessionsStarted} sessions (${ends.map(([end, count]) => `${count} ${end}`).join(', ')}), ` +
      `${requests} requests, ${answers} answers, ${unanswered} unanswered, ` +
      `${retransmitted} sent again, ${statistics.repeatMismatches} repeats answered differently`,
    ...formatTable(['result', 'answers'], results),
    `latency ms: p50 ${milliseconds[0]}, p95 ${milliseconds[1]}, p99 ${milliseconds[2]}, ` +
      `max ${milliseconds[3]}`,
  ];
}

/** Running totals, in a line. */
export function describeProgress(statistics: SimulatorStatistics): string {
  const { sessionsStarted, sessionsEnded, answers, unanswered, latencyMs } = statistics;
  const ended = Object.values(sessionsEnded).reduce((sum, count) => sum + count, 0);
  return (
    `${sessionsStarted} sessions begun, ${ended} ended, ${answers} answers, ` +
    `${unanswered} unanswered, p99 ${latencyMs.p99.toFixed(1)} ms`
  );
}

/** Where the record and the gateway's own tally disagree. */
export function describeDifferences(differences: readonly TallyDifference[]): readonly string[] {
  if (differences.length === 0) return ['charged as it was used'];
  return formatTable(
    ['session', 'group', 'what', 'used', 'charged'],
    differences.map(({ sessionId, ratingGroup, what, expected, actual }) => [
      sessionId,
      ratingGroup === null ? '' : String(ratingGroup),
      what,
      expected,
      actual,
    ]),
  );
}
