/** The life of one simulated session: login, start, reports while it lasts, stop; and its faults. */
import { MsChap2Success } from '../../radius/generated/microsoft.js';
import { ReplyMessage } from '../../radius/generated/standard.js';
import { PACKET_CODES } from '../../radius/packet-code.js';
import type { RadiusPacket } from '../../radius/packet.js';
import type { RandomChoices } from '../gy-simulator/random-choices.js';
import type { NasReply, NasRequest } from './nas-port.js';
import {
  loginAttributes,
  proofOf,
  reportAttributes,
  type ReportParts,
  type SessionPlace,
  type SimulatedProof,
} from './requests.js';
import { NO_TERMS, applyTerms, type SimulatedTerms } from './session-terms.js';
import type { ResolvedTraffic } from './traffic.js';

export const SESSION_ENDS = [
  'finished',
  'rejected',
  'volume-limit',
  'time-limit',
  'disconnected',
  'rebooted',
  'stopped',
  'unanswered',
  /** The accept did not prove that the network knows the password. */
  'network-not-proven',
] as const;
export type SessionEnd = (typeof SESSION_ENDS)[number];

const TERMINATE_CAUSES: Partial<Readonly<Record<SessionEnd, string>>> = {
  finished: 'User-Request',
  'volume-limit': 'NAS-Request',
  'time-limit': 'Session-Timeout',
  disconnected: 'Admin-Reset',
  stopped: 'Admin-Reboot',
};

/** Real totals of a session, as the router counted them: both directions, from the start. */
export interface SessionUsage {
  uploadOctets: number;
  downloadOctets: number;
  seconds: number;
}

/** What a session asks of its surroundings. */
export interface SessionSurroundings {
  readonly traffic: ResolvedTraffic;
  readonly random: RandomChoices;
  /** An address of the pool that the accept names. */
  readonly takeAddress: (pool: string | null) => string;
  ask(request: NasRequest, kind: RequestKind): Promise<NasReply | null>;
  /** Pauses until the next report is due, or until {@link SimulatedSession.wake}. */
  think(): Promise<void>;
  /** No session goes on once the simulator is stopping. */
  stopping(): boolean;
}

export type RequestKind = 'login' | 'start' | 'interim' | 'stop' | 'late-interim';

/** Wrong by eighteen years: 2008-01-01. */
const WRONG_CLOCK_SECONDS = 1_199_145_600;
const DEFAULT_INTERIM_SECONDS = 300;

export class SimulatedSession {
  readonly place: SessionPlace;
  readonly usage: SessionUsage = { uploadOctets: 0, downloadOctets: 0, seconds: 0 };
  readonly #surroundings: SessionSurroundings;
  /** What the counters showed when they last began at zero. */
  #base = { uploadOctets: 0, downloadOctets: 0 };
  #terms: SimulatedTerms = NO_TERMS;
  #address = '0.0.0.0';
  #order: 'go-on' | 'disconnect' | 'reboot' = 'go-on';
  #wake: () => void = () => {};
  /** Usage that the last answered report told. */
  reported: SessionUsage = { uploadOctets: 0, downloadOctets: 0, seconds: 0 };
  /** True while a report of more usage was never answered: nobody knows whether it arrived. */
  uncertain = false;
  rejectMessage: string | null = null;

  constructor(place: SessionPlace, surroundings: SessionSurroundings) {
    this.place = place;
    this.#surroundings = surroundings;
  }

  get terms(): SimulatedTerms {
    return this.#terms;
  }

  /** The address of the subscriber, from the accept on. */
  get address(): string {
    return this.#address;
  }

  /** CoA-Request: other terms from now on. */
  change(packet: RadiusPacket): void {
    this.#terms = applyTerms(this.#terms, packet);
    this.#wake();
  }

  /** Disconnect-Request. */
  disconnect(): void {
    this.#order = 'disconnect';
    this.#wake();
  }

  /** The router restarts: nothing more is sent of this session. */
  reboot(): void {
    this.#order = 'reboot';
    this.#wake();
  }

  async run(): Promise<SessionEnd> {
    const refused = await this.#login();
    if (refused !== null) return refused;
    if (!(await this.#report('Start', 'start', null))) return 'unanswered';
    const { traffic, random } = this.#surroundings;
    const interims = random.within(traffic.interims);
    const restartAt = this.#happens(traffic.faults.countersRestart)
      ? random.within({ min: 1, max: Math.max(1, interims - 1) })
      : null;
    let end: SessionEnd = 'finished';
    for (let step = 1; step <= interims; step += 1) {
      await this.#think();
      if (this.#order === 'reboot') return 'rebooted';
      end = this.#use();
      if (end !== 'finished') break;
      if (!(await this.#report('Interim-Update', 'interim', null))) this.uncertain = true;
      if (step === restartAt) this.#base = { ...this.usage };
    }
    return this.#stop(end);
  }

  async #login(): Promise<SessionEnd | null> {
    const { traffic, takeAddress } = this.#surroundings;
    const { subscriber } = this.place;
    const hotspotAddress = subscriber.service === 'hotspot' ? takeAddress(null) : '0.0.0.0';
    let proof: SimulatedProof | undefined;
    const reply = await this.#surroundings.ask(
      {
        code: 'Access-Request',
        messageAuthenticator: !traffic.faults.withoutMessageAuthenticator,
        triesMax: traffic.triesMax,
        attributes: ({ authenticator, secret }) => {
          proof = proofOf(subscriber, { secret, authenticator });
          return loginAttributes(this.place, proof, hotspotAddress);
        },
      },
      'login',
    );
    if (reply === null) return 'unanswered';
    const { packet } = reply;
    this.rejectMessage = packet.get(ReplyMessage) ?? null;
    if (packet.code !== PACKET_CODES['Access-Accept']) return 'rejected';
    if (proof?.accepts(packet.get(MsChap2Success)) !== true) return 'network-not-proven';
    this.#terms = applyTerms(NO_TERMS, packet);
    const given = this.#terms.address ?? takeAddress(this.#terms.pool);
    this.#address = subscriber.service === 'hotspot' ? hotspotAddress : given;
    return null;
  }

  /** Settles the session, with whatever this one does wrong about it. */
  async #stop(end: SessionEnd): Promise<SessionEnd> {
    const { faults } = this.#surroundings.traffic;
    if (this.#happens(faults.lostStop)) {
      // What was used since the last report is never told.
      this.uncertain = this.uncertain || this.reported.seconds < this.usage.seconds;
      return end;
    }
    const lastInterim = { ...this.reported };
    const bare = this.#happens(faults.stopWithoutOctets);
    const cause = TERMINATE_CAUSES[end] ?? 'User-Request';
    if (bare) this.uncertain = true;
    const answered = await this.#report('Stop', 'stop', cause, bare ? null : this.usage);
    if (!answered) this.uncertain = true;
    if (this.#happens(faults.interimAfterStop)) {
      await this.#report('Interim-Update', 'late-interim', null, lastInterim);
    }
    return end;
  }

  async #think(): Promise<void> {
    await Promise.race([
      this.#surroundings.think(),
      new Promise<void>((resolve) => (this.#wake = resolve)),
    ]);
  }

  #happens(share: number): boolean {
    return share > 0 && this.#surroundings.random.next() < share;
  }

  /** Uses the time until the next report, as far as speed and limits let it. */
  #use(): SessionEnd {
    const { traffic, random } = this.#surroundings;
    const terms = this.#terms;
    const seconds = traffic.interimSeconds ?? terms.interimSeconds ?? DEFAULT_INTERIM_SECONDS;
    const wanted = random.within(traffic.downloadPerInterim);
    const { usage } = this;
    const room = roomFor(usage, terms);
    const download = Math.min(wanted, atSpeed(terms.downloadBitsPerSecond, seconds), room.download);
    const upload = Math.min(
      Math.floor(wanted * traffic.uploadShare),
      atSpeed(terms.uploadBitsPerSecond, seconds),
      room.upload,
      room.total - download,
    );
    const timeLeft = (terms.sessionSecondsMax ?? Infinity) - usage.seconds;
    usage.downloadOctets += download;
    usage.uploadOctets += Math.max(0, upload);
    usage.seconds += Math.min(seconds, timeLeft);
    if (this.#surroundings.stopping()) return 'stopped';
    if (this.#order === 'disconnect') return 'disconnected';
    if (timeLeft <= seconds) return 'time-limit';
    const left = roomFor(usage, terms);
    if (left.download <= 0 || left.upload <= 0 || left.total <= 0) return 'volume-limit';
    return 'finished';
  }

  /** Sends a report; false when it was never answered. */
  async #report(
    status: ReportParts['status'],
    kind: RequestKind,
    cause: string | null,
    usage: SessionUsage | null = this.usage,
  ): Promise<boolean> {
    const { traffic } = this.#surroundings;
    const told = usage === null ? null : { ...usage };
    const parts: Omit<ReportParts, 'delaySeconds'> = {
      status,
      address: this.#address,
      classes: this.#classes,
      sessionSeconds: (told ?? this.usage).seconds,
      counters: told === null ? null : this.#counters(told),
      gigawords: !traffic.faults.withoutGigawords,
      terminateCause: cause,
      timestamp: traffic.faults.wrongClock ? WRONG_CLOCK_SECONDS : Math.floor(Date.now() / 1000),
    };
    const reply = await this.#surroundings.ask(
      {
        code: 'Accounting-Request',
        messageAuthenticator: false,
        triesMax: traffic.accountingTriesMax,
        attributes: ({ delaySeconds }) => reportAttributes(this.place, { ...parts, delaySeconds }),
      },
      kind,
    );
    if (reply === null) return false;
    if (told !== null && kind !== 'late-interim') this.reported = told;
    return true;
  }

  #lostClass: boolean | null = null;

  get #classes(): readonly Buffer[] {
    this.#lostClass ??= this.#happens(this.#surroundings.traffic.faults.classLost);
    return this.#lostClass ? [] : this.#terms.classes;
  }

  /** Input and output as this router counts them, since the counters last began at zero. */
  #counters(usage: SessionUsage): { readonly input: number; readonly output: number } {
    const upload = Math.max(0, usage.uploadOctets - this.#base.uploadOctets);
    const download = Math.max(0, usage.downloadOctets - this.#base.downloadOctets);
    return this.#surroundings.traffic.faults.inverseCounters
      ? { input: download, output: upload }
      : { input: upload, output: download };
  }
}

function atSpeed(bitsPerSecond: number | null, seconds: number): number {
  return bitsPerSecond === null ? Infinity : Math.floor((bitsPerSecond * seconds) / 8);
}

/** Octets that the limits leave in each direction and in all. */
function roomFor(usage: SessionUsage, terms: SimulatedTerms) {
  const { uploadOctets, downloadOctets } = usage;
  const total = (terms.totalOctetsMax ?? Infinity) - uploadOctets - downloadOctets;
  return {
    total,
    upload: Math.min(total, (terms.uploadOctetsMax ?? Infinity) - uploadOctets),
    download: Math.min(total, (terms.downloadOctetsMax ?? Infinity) - downloadOctets),
  };
}
