import type { RatedService } from './rate-line.js';

/** The rules that match one kind of question whatever the time. */
export interface RuleSet {
  /** The answer at an instant, in milliseconds since 1970. */
  answerAt(atMs: number): RatedService;
}

/** Sets remembered by one tariff, some hundreds of octets each; all are dropped beyond that. */
const RULE_SETS_MAX = 100_000;

/** The rule sets of the questions asked so far, by service and by network. */
export class RuleSetCache {
  readonly #byService = new Map<number, Map<number, RuleSet>>();
  #size = 0;

  get(serviceKey: number, networkKey: number): RuleSet | undefined {
    return this.#byService.get(serviceKey)?.get(networkKey);
  }

  set(serviceKey: number, networkKey: number, ruleSet: RuleSet): void {
    if (this.#size >= RULE_SETS_MAX) {
      this.#byService.clear();
      this.#size = 0;
    }
    const byNetwork = this.#byService.get(serviceKey);
    if (byNetwork === undefined) {
      this.#byService.set(serviceKey, new Map([[networkKey, ruleSet]]));
    } else {
      byNetwork.set(networkKey, ruleSet);
    }
    this.#size += 1;
  }
}
