import type { ZonePeriod } from '../collect/policy/timestamps.ts';
import type { LedgerDatabase } from '../platform/ports.ts';

/** The time zones specified by the boat's settings over time. */
export interface TimeZones {
  /** All zones, in chronological order. Empty until the first one is added. */
  all(): readonly ZonePeriod[];
  /** Adds a zone in one transaction. */
  add(period: ZonePeriod): void;
}

export function createTimeZones(ledger: LedgerDatabase): TimeZones {
  const select = ledger.db.prepare('SELECT since_ms, zone FROM time_zones ORDER BY since_ms');
  const insert = ledger.db.prepare('INSERT INTO time_zones (since_ms, zone) VALUES (?, ?)');
  return {
    // The columns are INTEGER and TEXT NOT NULL in a STRICT table.
    all: () =>
      select.all().map((row) => ({ sinceMs: row['since_ms'] as number, zone: row['zone'] as string })),
    add: ({ sinceMs, zone }) =>
      ledger.transaction(() => {
        insert.run(sinceMs, zone);
      }),
  };
}
