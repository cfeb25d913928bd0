import type { OpenBand } from './band-calendar.js';
import type { CompiledTariff } from './compiled-tariff.js';
import type { RatedService, RatingQuestion } from './rate-line.js';
import { createRuleSet } from './rule-set.js';

/**
 * The price lines of one service of a request, with the windows in which each is in force. Answers
 * are shared and frozen; once a kind of question has been asked, another costs two number lookups.
 */
export function rate(tariff: CompiledTariff, question: RatingQuestion): RatedService {
  const called = tariff.zones.ofNumber(question.context.calledParty);
  const visited = tariff.zones.ofNetwork(question.context.visitedNetwork);
  const serviceKey = tariff.index.serviceKey(question);
  if (serviceKey === null) return createRuleSet(tariff, question).answerAt(question.at);
  const networkKey = tariff.index.networkKey(question, called, visited);
  let ruleSet = tariff.ruleSets.get(serviceKey, networkKey);
  if (ruleSet === undefined) {
    ruleSet = createRuleSet(tariff, question);
    tariff.ruleSets.set(serviceKey, networkKey, ruleSet);
  }
  return ruleSet.answerAt(question.at);
}

/**
 * When each of the tariff's bands is open, from COVERED_BEFORE_MS before to COVERED_AFTER_MS after
 * the instant: for the scopes of buckets. Shared: the same list comes back for some hours.
 */
export function openBands(tariff: CompiledTariff, atMs: number): readonly OpenBand[] {
  return tariff.bands.stretchAt(atMs).bands;
}
