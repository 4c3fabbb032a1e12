import type { Ledger } from '../ledger/ledger.ts';

const USAGE_CONSENT = 'usage_consent';

/**
 * Returns whether the owner agreed that usage analytics may leave the boat. The default is no (docs/spec/sources.md, "9
 * telemetry").
 */
export function hasUsageConsent(ledger: Ledger): boolean {
  return ledger.facts.get(USAGE_CONSENT) === 'yes';
}

/** Durably records the owner's decision. */
export function setUsageConsent(ledger: Ledger, answer: 'yes' | 'no'): void {
  ledger.facts.record(USAGE_CONSENT, answer);
}
