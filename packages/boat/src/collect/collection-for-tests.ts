import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import { createDatabases } from '../platform/sqlite.ts';
import type { CollectContext, CollectOutcome, Collector, SourcePaths } from './collector.ts';
import type { Cursor } from './cursor.ts';

/** A record, as central would parse it. */
export type CollectedRecord = { readonly record_id: string } & Readonly<Record<string, unknown>>;

/** A collector's outcome and the digests that it reported. */
export type TestOutcome = CollectOutcome & {
  readonly digests: readonly { readonly recordId: string; readonly digest: string }[];
};

/** A collection's result. The lines are split as the spool splits them, and each is parsed separately. */
export interface Collection {
  readonly records: readonly CollectedRecord[];
  readonly lines: readonly string[];
  readonly pages: number;
  readonly outcome: TestOutcome;
}

/** One category's export progress, as the ledger stores it. */
export interface TestProgress {
  readonly cursors: Map<string, Cursor>;
  readonly digests: Map<string, string>;
  /** Advances cursors and digests, as committing an export does. */
  commit(outcome: TestOutcome): void;
  /** Rewinds a dead-lettered export's ranges. The lower position applies. */
  rewind(outcome: TestOutcome): void;
}

/** Creates the progress of a boat that has not exported yet. */
export function createTestProgress(): TestProgress {
  const cursors = new Map<string, Cursor>();
  const digests = new Map<string, string>();
  return {
    cursors,
    digests,
    commit(outcome) {
      for (const { source, to } of outcome.cursors) cursors.set(source, to);
      for (const { recordId, digest } of outcome.digests) digests.set(recordId, digest);
    },
    rewind(outcome) {
      for (const { source, from } of outcome.cursors) {
        const now = cursors.get(source);
        if (from === undefined) cursors.delete(source);
        else if (now !== undefined && from.position < now.position) cursors.set(source, from);
      }
      for (const { recordId } of outcome.digests) digests.delete(recordId);
    },
  };
}

/** Creates a context that uses the real disk, databases and clock. */
export function createTestContext(
  paths: SourcePaths,
  progress: TestProgress = createTestProgress(),
  given: Partial<CollectContext> = {},
): CollectContext {
  return {
    paths,
    disk: createDisk(),
    databases: createDatabases(),
    clock: createClock(),
    installationId: '0123456789abcdef',
    mode: 'incremental',
    cursorOf: (source) => progress.cursors.get(source),
    digestOf: (recordId) => progress.digests.get(recordId),
    addDigest: () => undefined,
    signal: new AbortController().signal,
    ...given,
  };
}

/** Runs a collector to its end and parses every line. Throws if a page breaks its contract. */
export async function collectAll(collector: Collector, context: CollectContext): Promise<Collection> {
  const records: CollectedRecord[] = [];
  const lines: string[] = [];
  let pages = 0;
  const digests: { recordId: string; digest: string }[] = [];
  const collection = collector.collect({
    ...context,
    addDigest: (recordId, digest) => void digests.push({ recordId, digest }),
  });
  let step = await collection.next();
  while (step.done !== true) {
    const { value: page } = step;
    const text = page.bytes === undefined ? page.lines : Buffer.from(page.bytes).toString('utf8');
    if (text !== page.lines) throw new Error('bytes and lines differ');
    const found = text.split('\n').map((line) => (line.endsWith(',') ? line.slice(0, -1) : line));
    if (found.length !== page.count) throw new Error(`${page.count} records in ${found.length} lines`);
    for (const line of found) {
      if (!line.startsWith('{"record_id":')) throw new Error(`not a record: ${line.slice(0, 80)}`);
      if (!line.isWellFormed() || /\\ud[89ab]/i.test(line.replaceAll(/\\ud[89ab]..\\ud[c-f]../gi, '')))
        throw new Error(`a lone surrogate in ${line.slice(0, 80)}`);
      // The check above ensures that the line is a record.
      records.push(JSON.parse(line) as CollectedRecord);
      lines.push(line);
    }
    pages += 1;
    step = await collection.next();
  }
  const exported = new Set(records.map((record) => record.record_id));
  for (const { recordId, digest } of digests)
    if (!recordId.startsWith('range:') && digest !== 'database' && !exported.has(recordId))
      throw new Error(`the digest of ${recordId} was reported, but the record is on no page`);
  return { records, lines, pages, outcome: { ...step.value, digests } };
}
