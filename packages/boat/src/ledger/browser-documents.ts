import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import { mergeBrowserText } from './policy.ts';

/** What kiosk pages handed over from the browser's localStorage, kept until it can be exported and after. */
export interface BrowserDocuments {
  /**
   * Keeps a page's texts by their localStorage keys, durably. Lists are joined with what was handed over before: a page
   * that forgets old entries does not make the boat forget them. Gives how many keys changed.
   */
  keep(documents: Readonly<Record<string, string>>, atMs: WallMs): number;
  get(key: string): string | undefined;
}

export function createBrowserDocuments(ledger: LedgerDatabase): BrowserDocuments {
  const { db } = ledger;
  const select = db.prepare('SELECT text FROM browser_documents WHERE key = ?');
  const upsert = db.prepare(
    `INSERT INTO browser_documents (key, text, received_at_ms) VALUES (?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET text = excluded.text, received_at_ms = excluded.received_at_ms`,
  );
  const insertLoss = db.prepare('INSERT INTO losses (at_ms, what, size_bytes, reason) VALUES (?, ?, ?, ?)');
  // STRICT TEXT NOT NULL.
  const get = (key: string): string | undefined => select.get(key)?.['text'] as string | undefined;
  return {
    get,
    keep: (documents, atMs) => {
      const changes = Object.entries(documents).flatMap(([key, text]) => {
        const before = get(key);
        const merged = mergeBrowserText(before, text);
        return merged.text === before ? [] : [{ key, ...merged }];
      });
      if (changes.length === 0) return 0;
      return ledger.transaction(() => {
        for (const { key, text, droppedLength } of changes) {
          upsert.run(key, text, atMs);
          if (droppedLength > 0)
            insertLoss.run(
              atMs,
              `browser ${key}`,
              droppedLength,
              'the oldest entries of a full browser list',
            );
        }
        return changes.length;
      });
    },
  };
}
