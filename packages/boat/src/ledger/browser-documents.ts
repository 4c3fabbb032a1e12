import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Losses } from './losses.ts';
import { mergeBrowserText } from './merge-browser-text.ts';

/** Values from kiosk pages' localStorage. They are kept even after they have been exported. */
export interface BrowserDocuments {
  /**
   * Durably stores a page's values under their localStorage keys and returns the number of changed keys. A list is merged with
   * the stored list, so that entries dropped by the page stay on the boat. `admit` is called with the number of characters that
   * will change. If it throws, nothing is stored. `toStored` converts a page's value to the value to store. It is also applied to
   * values that are already stored, because an earlier version may have stored them differently.
   */
  keep(documents: Readonly<Record<string, string>>, atMs: WallMs, rules?: KeepRules): number;
  get(key: string): string | undefined;
}

/** What a caller decides about pages' values. */
export interface KeepRules {
  readonly admit?: (length: number) => void;
  readonly toStored?: (key: string, text: string) => string;
}

export function createBrowserDocuments(ledger: LedgerDatabase, losses: Losses): BrowserDocuments {
  const { db } = ledger;
  const select = db.prepare('SELECT text FROM browser_documents WHERE key = ?');
  const upsert = db.prepare(
    `INSERT INTO browser_documents (key, text, received_at_ms) VALUES (?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET text = excluded.text, received_at_ms = excluded.received_at_ms`,
  );
  // The column is TEXT NOT NULL in a STRICT table.
  const get = (key: string): string | undefined => select.get(key)?.['text'] as string | undefined;
  return {
    get,
    keep: (documents, atMs, { admit, toStored = toSameText }: KeepRules = {}) => {
      const changes = Object.entries(documents).flatMap(([key, text]) => {
        const before = get(key);
        const stored = before === undefined ? undefined : toStored(key, before);
        const merged = mergeBrowserText(stored, toStored(key, text));
        return merged.text === before ? [] : [{ key, ...merged }];
      });
      if (changes.length === 0) return 0;
      admit?.(changes.reduce((sum, { text }) => sum + text.length, 0));
      return ledger.transaction(() => {
        for (const { key, text, droppedLength } of changes) {
          upsert.run(key, text, atMs);
          if (droppedLength > 0)
            losses.add({
              atMs,
              what: `browser ${key}`,
              sizeBytes: droppedLength,
              reason: 'the oldest entries of a full browser list',
            });
        }
        return changes.length;
      });
    },
  };
}

function toSameText(_key: string, text: string): string {
  return text;
}
