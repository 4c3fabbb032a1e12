import type { Ledger } from '../ledger/ledger.ts';

const USAGE_CONSENT = 'usage_consent';

/** Whether the owner agreed that usage analytics may leave the boat. No by default (docs/spec/sources.md, "9 telemetry"). */
export function hasUsageConsent(ledger: Ledger): boolean {
  return ledger.facts.get(USAGE_CONSENT) === 'yes';
}

/** Records the owner's answer durably. */
export function setUsageConsent(ledger: Ledger, answer: 'yes' | 'no'): void {
  ledger.facts.record(USAGE_CONSENT, answer);
}
