/** Whether a request is meant for us [RFC 6733 6.1.4, 6.1.6]. Names compare without case. */
import type { DecodeFault } from './decode-fault.js';
import { ResultCode } from './generated/enumerations.js';
import type { CreditControlRequest as Slots } from './generated/grammars.js';
import { MESSAGE, type MessageReader } from './message-reader.js';

export class Destination {
  readonly #realms: ReadonlySet<string>;
  #hosts: ReadonlySet<string>;
  readonly #host: string;

  constructor(options: {
    readonly host: string;
    readonly realms: readonly string[];
    readonly siblings: readonly string[];
  }) {
    this.#host = options.host;
    this.#realms = new Set(options.realms.map((realm) => realm.toLowerCase()));
    this.#hosts = this.#withSelf(options.siblings);
  }

  /** The other nodes that share our sessions: what is addressed to them is served here too. */
  setSiblings(siblings: readonly string[]): void {
    this.#hosts = this.#withSelf(siblings);
  }

  #withSelf(siblings: readonly string[]): ReadonlySet<string> {
    return new Set([this.#host, ...siblings].map((host) => host.toLowerCase()));
  }

  /** Judges the request that was read last. Any node serves what is addressed to its realm. */
  judge(
    reader: MessageReader,
    slots: Pick<typeof Slots, 'destinationRealm' | 'destinationHost'>,
  ): DecodeFault | null {
    const realm = reader.familiarText(MESSAGE, slots.destinationRealm);
    if (realm !== undefined && !this.#realms.has(realm.toLowerCase())) {
      const resultCode = ResultCode.DIAMETER_REALM_NOT_SERVED;
      return { resultCode, reason: 'realm not served', failedAvp: null };
    }
    const host = reader.familiarText(MESSAGE, slots.destinationHost);
    if (host !== undefined && !this.#hosts.has(host.toLowerCase())) {
      const resultCode = ResultCode.DIAMETER_UNABLE_TO_DELIVER;
      return { resultCode, reason: 'not addressed to this node', failedAvp: null };
    }
    return null;
  }
}
