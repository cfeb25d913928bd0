/** The life of one simulated session: ask, use what was granted, report, ask again, end. */
import type { ServiceAnswered, SimulatedAnswer } from './answers.js';
import type { RandomChoices } from './random-choices.js';
import type { ServiceAsked, SimulatedReason, SimulatedRequest } from './requests.js';
import type { SimulatedService, SimulatedSubscriber, SimulatedTraffic } from './traffic.js';

type SessionTraffic = Exclude<SimulatedTraffic, { kind: 'sms' }>;

const SUCCESS = 2001;

/** Why a session ended. */
export type SessionEnd =
  'finished' | 'refused' | 'out-of-credit' | 'final-units' | 'aborted' | 'stopped' | 'unanswered';

/** What a session asks of its surroundings. */
export interface SessionSurroundings {
  readonly random: RandomChoices;
  /** Sends the request and waits for its answer; null when there was none. */
  send(request: Omit<SimulatedRequest, 'destinationHost' | 'at'>): Promise<SimulatedAnswer | null>;
  /** Pauses until the next request is due, or until `wake`. */
  think(): Promise<void>;
  readonly destinationRealm: string;
  /** No session asks for more once the simulator is stopping. */
  stopping(): boolean;
}

interface RunningService {
  readonly service: SimulatedService;
  /** Units of the grant that are left. */
  left: number;
  state: 'asking' | 'active' | 'final' | 'stopped';
}

/** A session that a server can speak to. */
export class SimulatedSession {
  readonly sessionId: string;
  readonly #subscriber: SimulatedSubscriber;
  readonly #traffic: SessionTraffic;
  readonly #surroundings: SessionSurroundings;
  readonly #services: RunningService[];
  #number = 0;
  #reAuthorise = false;
  #aborted = false;

  constructor(
    sessionId: string,
    subscriber: SimulatedSubscriber,
    traffic: SessionTraffic,
    surroundings: SessionSurroundings,
  ) {
    this.sessionId = sessionId;
    this.#subscriber = subscriber;
    this.#traffic = traffic;
    this.#surroundings = surroundings;
    this.#services = traffic.services.map((service) => ({ service, left: 0, state: 'asking' }));
  }

  /** RAR: ask again for every service with the next request. */
  reAuthorise(): void {
    this.#reAuthorise = true;
  }

  /** ASR: end with the next request. */
  abort(): void {
    this.#aborted = true;
  }

  async run(): Promise<SessionEnd> {
    const first = await this.#exchange('initial', this.#ask());
    if (first === null) return 'unanswered';
    if (first.resultCode !== SUCCESS) return 'refused';
    const updates = this.#surroundings.random.within(this.#traffic.updates);
    let end: SessionEnd = this.#isOver() ? this.#overBecause() : 'finished';
    for (let step = 0; step < updates && !this.#isOver(); step += 1) {
      await this.#surroundings.think();
      if (this.#surroundings.stopping()) end = 'stopped';
      if (this.#aborted) end = 'aborted';
      if (end !== 'finished') break;
      const answer = await this.#exchange('update', this.#report());
      if (answer === null) return 'unanswered';
      if (answer.resultCode !== SUCCESS) return 'refused';
      if (this.#isOver()) end = this.#overBecause();
    }
    if (end === 'finished' && this.#isAtLastUnits()) end = 'final-units';
    await this.#surroundings.think();
    const last = await this.#exchange('terminate', this.#settle());
    return last === null ? 'unanswered' : end;
  }

  /** The first request asks for everything and reports nothing. */
  #ask(): ServiceAsked[] {
    return this.#services.map(({ service }) => ({
      ...wordsOf(service),
      requested: service.requested,
    }));
  }

  /** Use since the last request, and what is wanted next. */
  #report(): ServiceAsked[] {
    const forced = this.#reAuthorise;
    this.#reAuthorise = false;
    return this.#services.flatMap((running) => {
      const { service } = running;
      if (running.state === 'stopped' && !forced) return [];
      const used = this.#use(running);
      const reason = reasonOf(running, forced);
      const asks = running.state !== 'final' || forced;
      return [
        {
          ...wordsOf(service),
          used,
          reason,
          ...(asks ? { requested: service.requested } : {}),
        },
      ];
    });
  }

  /** The last request reports the rest and asks for nothing. */
  #settle(): ServiceAsked[] {
    return this.#services.flatMap((running) => {
      if (running.state === 'stopped') return [];
      return [{ ...wordsOf(running.service), used: this.#use(running), reason: 'FINAL' as const }];
    });
  }

  /** A subscriber uses a part of what was granted; of the last units, all. */
  #use(running: RunningService): number {
    const wanted = this.#surroundings.random.within(running.service.usePerStep);
    const used = running.state === 'final' ? running.left : Math.min(wanted, running.left);
    running.left -= used;
    return used;
  }

  async #exchange(
    phase: 'initial' | 'update' | 'terminate',
    services: readonly ServiceAsked[],
  ): Promise<SimulatedAnswer | null> {
    const traffic = this.#traffic;
    const answer = await this.#surroundings.send({
      kind: traffic.kind,
      phase,
      sessionId: this.sessionId,
      number: this.#number,
      subscriber: this.#subscriber,
      services,
      apn: traffic.kind === 'data' ? traffic.apn : null,
      calledParty: traffic.kind === 'voice' ? traffic.calledParty : null,
      destinationRealm: this.#surroundings.destinationRealm,
      retransmitted: false,
    });
    this.#number += 1;
    if (answer !== null && answer.resultCode === SUCCESS) this.#take(answer.services, services);
    return answer;
  }

  /** Notes what each service got; one that asked and is not named gets nothing. */
  #take(answers: readonly ServiceAnswered[], asked: readonly ServiceAsked[]): void {
    for (const running of this.#services) {
      const { ratingGroup } = running.service;
      const was = asked.find((service) => service.ratingGroup === ratingGroup);
      if (was?.requested === undefined) {
        if (running.state === 'final' && was !== undefined) running.state = 'stopped';
        continue;
      }
      const answer = answers.find((service) => service.ratingGroup === ratingGroup);
      const resultCode = answer?.resultCode ?? SUCCESS;
      running.left = answer?.granted?.amount ?? 0;
      // Free of charge (4011) is not asked about again either [RFC 8506 9.1].
      if (resultCode !== SUCCESS) running.state = 'stopped';
      else if (answer !== undefined && answer.finalUnit !== null)
        running.state = running.left > 0 ? 'final' : 'stopped';
      else running.state = 'active';
    }
  }

  #isOver(): boolean {
    return this.#services.every(({ state }) => state === 'stopped') && !this.#reAuthorise;
  }

  #isAtLastUnits(): boolean {
    return this.#services.every(({ state }) => state === 'stopped' || state === 'final');
  }

  #overBecause(): SessionEnd {
    return this.#number === 1 ? 'out-of-credit' : 'final-units';
  }
}

function wordsOf(
  service: SimulatedService,
): Pick<ServiceAsked, 'ratingGroup' | 'serviceIdentifier' | 'unit'> {
  const { ratingGroup, serviceIdentifier = null, unit } = service;
  return { ratingGroup, serviceIdentifier, unit };
}

function reasonOf(running: RunningService, forced: boolean): SimulatedReason {
  if (forced) return 'FORCED_REAUTHORISATION';
  if (running.state === 'final') return 'FINAL';
  return running.left === 0 ? 'QUOTA_EXHAUSTED' : 'THRESHOLD';
}
