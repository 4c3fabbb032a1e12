import type { Boat } from '@d3kos/boat';
import type { Cursor } from '../../../boat/src/collect/cursor.ts';
import { BOATLOG_CURSOR } from '../sources/boat-sources.ts';

/** An export in the ledger, with the facts that checkers use. */
export interface LedgerEntry {
  readonly queueId: string;
  readonly exportId: string;
  readonly exportFile: string;
  /** 0 if the export belongs to another ledger. */
  readonly sequence: number;
  readonly status: 'pending' | 'uploading' | 'completed' | 'failed';
  readonly trigger: string;
  readonly retryCount: number;
  readonly lastError: string | undefined;
  /** Undefined until the export has been cut into parts. */
  readonly partSizeBytes: number | undefined;
  readonly categories: Readonly<Record<string, { readonly state: string } | undefined>>;
}

export const STATUSES = ['pending', 'uploading', 'completed', 'failed'] as const;

/** Everything that the checkers read from the boat's ledger; no other checker code calls it. */
export interface LedgerFacts {
  list(status: LedgerEntry['status']): readonly LedgerEntry[];
  waitingCount(): number;
  /** Finds an entry by its queue ID, which never changes. The export ID changes if the export is numbered in a new ledger. */
  find(queueId: string): LedgerEntry | undefined;
  ledgerId(): string;
  /** Whether the boat has begun a new ledger, and whether that ledger's first full export is queued. */
  ledgerChange(): 'none' | 'full_export_due' | 'full_export_queued';
  hasFile(path: string): boolean;
  /** Delivered exports, newest first. */
  history(): readonly { readonly queueId: string; readonly exportId: string }[];
  /** Files that were recorded as lost. */
  lostFiles(): ReadonlySet<string>;
  /** Claimed daily slots. */
  claimedSlots(): readonly string[];
  boatlogCursor(): Cursor | undefined;
  /** Returns the SHA-256 of a state record's last exported line. */
  digestOf(category: LedgerCategory, recordId: string): string | undefined;
  /**
   * True until the boat has imported the complete queue of a legacy exporter. Until then, the queue's records are in the legacy
   * files.
   */
  isLegacyImportOpen(): boolean;
}

type LedgerCategory = Parameters<Boat['ledger']['progress']['digestOf']>[0];

/** A limit that exceeds the number of exports in any run. */
const HISTORY_LIMIT = 1_000_000;

export function toLedgerFacts({ ledger }: Pick<Boat, 'ledger'>): LedgerFacts {
  const { queue, progress, slots, facts, changes } = ledger;
  return {
    list: (status) => queue.list(status),
    waitingCount: () => {
      const { pending, uploading } = queue.counts();
      return pending + uploading;
    },
    find: queue.find,
    ledgerId: () => facts.ledgerId,
    ledgerChange: () => {
      if (changes.isFullDue()) return 'full_export_due';
      return changes.list(1).length === 0 ? 'none' : 'full_export_queued';
    },
    hasFile: (path) => queue.findByFile(path) !== undefined,
    history: () => queue.history(HISTORY_LIMIT),
    lostFiles: () => new Set(queue.losses().map(({ what }) => what)),
    claimedSlots: slots.claimed,
    boatlogCursor: () => progress.cursorOf('boatlog', BOATLOG_CURSOR),
    digestOf: progress.digestOf,
    isLegacyImportOpen: () => facts.get('old_queue_imported') === undefined,
  };
}
