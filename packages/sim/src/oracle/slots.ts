import type { Evidence } from './evidence.ts';
import { type LedgerEntry, type LedgerFacts, STATUSES } from './ledger-facts.ts';
import { UNREAD_STATES } from './reads.ts';

/** Checks the daily exports: each slot has one export, and a slot is claimed only on a day on which an export was requested. */
export interface SlotCheck {
  /** Records the scheduled exports that a start found. Recovery may have adopted them, and an adopted file claims no slot. */
  noteStart(ledger: LedgerFacts): void;
  noteAcknowledged(queueId: string): void;
  check(evidence: Evidence, ledger: LedgerFacts, daysRequested: ReadonlySet<string>): void;
}

export function createSlotCheck(): SlotCheck {
  const seen = new Set<string>();
  const foundAtStart = new Set<string>();
  return {
    noteStart: (ledger) => {
      for (const status of STATUSES)
        for (const { trigger, queueId } of ledger.list(status)) {
          if (trigger !== 'scheduled' || seen.has(queueId)) continue;
          seen.add(queueId);
          foundAtStart.add(queueId);
        }
    },
    noteAcknowledged: (queueId) => void seen.add(queueId),
    check: ({ acknowledged, violate }, ledger, daysRequested) => {
      const claimed = new Set(ledger.claimedSlots());
      for (const slot of claimed)
        if (!daysRequested.has(slot))
          violate(`slot ${slot} is claimed, but no export was requested on that day`);
      const slots = [...acknowledged.values()].flatMap(({ slot }) => slot ?? []);
      for (const slot of new Set(slots)) {
        if (slots.filter((other) => other === slot).length > 1) violate(`slot ${slot} was exported twice`);
        if (!claimed.has(slot)) violate(`slot ${slot} was exported but is not claimed`);
      }
      const made = [...ledger.list('completed'), ...ledger.list('failed')].filter(
        ({ trigger, queueId, categories }) =>
          trigger === 'scheduled' && !foundAtStart.has(queueId) && areAllRead(categories),
      );
      if (made.length > claimed.size) violate(`${made.length} scheduled exports for ${claimed.size} slots`);
    },
  };
}

/** An export that could not read every category leaves its slot free, so another one is created on the same day. */
function areAllRead(categories: LedgerEntry['categories']): boolean {
  return Object.values(categories).every(
    (count) => count === undefined || !UNREAD_STATES.includes(count.state),
  );
}
