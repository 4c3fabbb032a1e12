import { createHash } from 'node:crypto';
import { toSpoolPaths } from '@d3kos/boat';
import { contentOf, type DiskMedium } from '../disk-medium.ts';
import { ROOT } from '../places.ts';
import type { TruthRecord } from '../sources/truth.ts';
import type { LedgerEntry } from './ledger-facts.ts';
import { parseObject } from './parse-object.ts';

/** An export file's content, read without the boat's own code. */
export interface FileFacts {
  readonly isComplete: boolean;
  readonly sha256: string;
  /** The export that the file's header names. */
  readonly exportId: string | undefined;
  /** The newest version of each record in the file, by the record's key. */
  readonly held: ReadonlyMap<string, number>;
  /**
   * The same versions. If a restored card has made older content the newest version again, this is the oldest version with that
   * content.
   */
  readonly heldAtLeast: ReadonlyMap<string, number>;
}

/**
 * Finds the truth's record that corresponds to an exported record, and the version. The version is -1 if the truth does not
 * contain it.
 */
export type Identify = (
  category: string,
  record: Readonly<Record<string, unknown>>,
) => { readonly truth: TruthRecord; readonly version: number; readonly oldest: number } | undefined;

/** The export ID occurs within this many characters at the start of a file. */
const HEADER_LENGTH = 400;

/** The export files on the card. */
export interface ExportFiles {
  read(path: string): FileFacts | undefined;
  /** Returns the file of an export, from its usual path or from the archive. */
  readOf(entry: Pick<LedgerEntry, 'queueId' | 'exportFile'>): FileFacts | undefined;
  /** Reads all files, so that `versionOf` can find the digests in them. */
  readAll(): void;
  /** Returns the version of a state record whose line has this SHA-256. The ledger stores such digests. */
  versionOf(digest: string): number | undefined;
}

export function createExportFiles(medium: DiskMedium, identify: Identify): ExportFiles {
  const paths = toSpoolPaths(ROOT);
  const digestVersions = new Map<string, number>();
  // A finished file is never written again. If a power cut changes a file, the file gets a new buffer.
  const known = new WeakMap<Uint8Array, FileFacts>();

  const parse = (bytes: Uint8Array): FileFacts => {
    const text = Buffer.from(bytes).toString('utf8');
    const held = new Map<string, number>();
    const heldAtLeast = new Map<string, number>();
    let category = '';
    for (const line of text.split('\n')) {
      category = /^"([a-z_]+)":\{"category"/.exec(line)?.[1] ?? category;
      if (!line.startsWith('{"record_id":')) continue;
      const json = line.endsWith(',') ? line.slice(0, -1) : line;
      const record = parseObject(json);
      const found = record === undefined ? undefined : identify(category, record);
      if (found === undefined) continue;
      held.set(found.truth.key, Math.max(found.version, held.get(found.truth.key) ?? -1));
      heldAtLeast.set(found.truth.key, Math.max(found.oldest, heldAtLeast.get(found.truth.key) ?? -1));
      digestVersions.set(sha256(json), found.version);
    }
    const exportId = /"export_id":"([^"]+)"/.exec(text.slice(0, HEADER_LENGTH))?.[1];
    return {
      isComplete: parseObject(text) !== undefined,
      sha256: sha256(bytes),
      exportId,
      held,
      heldAtLeast,
    };
  };
  const read = (path: string): FileFacts | undefined => {
    const node = medium.find(path);
    if (node?.kind !== 'file') return undefined;
    const facts = known.get(node.buffer) ?? parse(contentOf(node));
    known.set(node.buffer, facts);
    return facts;
  };
  return {
    read,
    readOf: ({ queueId, exportFile }) => read(exportFile) ?? read(toArchivedFile(queueId)),
    readAll: () => {
      for (const path of medium.paths())
        if (
          path.endsWith('.json') &&
          (path.startsWith(`${paths.exports}/`) || path.startsWith(`${paths.failed}/`))
        )
          read(path);
    },
    versionOf: (digest) => digestVersions.get(digest),
  };
}

/** The usual folder for failed exports' files. */
export function toArchivedFile(queueId: string): string {
  return `${toSpoolPaths(ROOT).failed}/${queueId}_failed.json`;
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
