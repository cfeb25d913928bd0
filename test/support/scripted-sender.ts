/** A sender of steering whose gateways answer what a test says, in order; then they accept. */
import type { SteeringAttempt, SteeringResult, SteeringSender } from '../../src/domain/steering.js';

export interface ScriptedSender extends SteeringSender {
  readonly sent: SteeringAttempt[];
}

export function scriptedSender(options: {
  readonly reach: () => readonly string[];
  readonly answers?: readonly (SteeringResult | (() => Promise<SteeringResult>))[];
}): ScriptedSender {
  const answers = [...(options.answers ?? [])];
  const sent: SteeringAttempt[] = [];
  return {
    sent,
    reach: options.reach,
    ways: ({ origin }) => [`host:${origin.host}`],
    send: async (attempt) => {
      sent.push(attempt);
      const answer = answers.shift() ?? { outcome: 'accepted', detail: '2001' };
      return typeof answer === 'function' ? answer() : answer;
    },
  };
}
