import { type Category, type DocumentHeader, isDocumentCategory } from '@d3kos/protocol';
import type { CollectOutcome, Page } from '../collect/collector.ts';
import { LINE_SEPARATOR, releaseBuffer } from '../collect/page.ts';
import type { Disk, StagedFile } from '../platform/ports.ts';

/** Size of the write buffer, in bytes. Pages are already large, but a header is too small for a separate write. */
const WRITE_SIZE_BYTES = 256 * 1024;

/**
 * An export file that is being written. Its format is the legacy exporter's document, but with one record per line, so that the
 * file can be split at newlines without being parsed. The file does not appear under its final name until `commit`.
 */
export interface ExportWriter {
  open(category: Category): Promise<void>;
  /** Writes a page and releases its memory. The page must not be used after this call. */
  page(page: Page): Promise<void>;
  /**
   * Closes the open section, writes its closing facts, and returns its record count. A document category without a record becomes
   * `data: {}`.
   */
  close(outcome: Pick<CollectOutcome, 'state' | 'detail' | 'note'>): Promise<number>;
  /** Ends the document and makes it durable. Returns its size in bytes. */
  commit(): Promise<number>;
  discard(): Promise<void>;
  /** Number of bytes passed to the disk so far. */
  sizeBytes(): number;
}

/** Starts a file that `commit` will put at `path`. Throws the same errors as `Disk.stage`. */
export async function createExportWriter(
  disk: Disk,
  path: string,
  header: DocumentHeader,
): Promise<ExportWriter> {
  const file = await disk.stage(path);
  const output = createOutput(file);
  let section: { category: Category; count: number } | undefined;
  let sections = 0;
  await output.writeText(`${JSON.stringify(header).slice(0, -1)},"data":{\n`);
  return {
    async open(category) {
      section = { category, count: 0 };
      const comma = sections === 0 ? '' : ',\n';
      sections += 1;
      const body = isDocumentCategory(category) ? '"data":\n' : '"entries":[\n';
      await output.writeText(`${comma}"${category}":{"category":"${category}",${body}`);
    },
    async page(page) {
      if (section === undefined) throw new Error('a page outside a section');
      if (page.count === 0) return;
      await writePage(output, page, section.count === 0 ? 'first' : 'further');
      section.count += page.count;
    },
    async close(outcome) {
      if (section === undefined) throw new Error('no section to close');
      const { category, count } = section;
      section = undefined;
      await output.writeText(toSectionEnd(category, count, outcome));
      return count;
    },
    async commit() {
      await output.writeText('\n}}\n');
      await output.flush();
      await file.commit();
      return output.sizeBytes();
    },
    discard: () => file.discard(),
    sizeBytes: output.sizeBytes,
  };
}

/** Writes a page formatted by SQLite unchanged, and encodes any other page. */
async function writePage(output: Output, page: Page, place: 'first' | 'further'): Promise<void> {
  const made = place === 'first' ? page.bytes : page.separated;
  if (made !== undefined) return output.writeBytes(made, () => page.release?.());
  const encoded = Buffer.from(place === 'first' ? page.lines : LINE_SEPARATOR + page.lines, 'utf8');
  await output.writeBytes(encoded, () => releaseBuffer(encoded));
}

function toSectionEnd(
  category: Category,
  count: number,
  { state, detail, note }: Pick<CollectOutcome, 'state' | 'detail' | 'note'>,
): string {
  const facts = JSON.stringify({
    entry_count: count,
    state,
    ...(note === undefined ? {} : { note }),
    ...(detail === undefined ? {} : { [state === 'error' ? 'error' : 'detail']: detail }),
  }).slice(1);
  return isDocumentCategory(category)
    ? `${count === 0 ? '{}' : ''}\n,${facts}`
    : `${count === 0 ? '' : '\n'}],${facts}`;
}

/** Buffers bytes for a staged file, so that each write has `WRITE_SIZE_BYTES`. */
interface Output {
  writeText(text: string): Promise<void>;
  /** `release` is called after the bytes have been written. */
  writeBytes(bytes: Uint8Array, release?: () => void): Promise<void>;
  flush(): Promise<void>;
  /** Number of bytes passed to the file so far. */
  sizeBytes(): number;
}

function createOutput(file: StagedFile): Output {
  let gathered: Uint8Array[] = [];
  let releases: (() => void)[] = [];
  let gatheredBytes = 0;
  let sizeBytes = 0;
  const flush = async (): Promise<void> => {
    const [first] = gathered;
    if (first === undefined) return;
    const bytes = gathered.length === 1 ? first : Buffer.concat(gathered);
    const written = releases;
    gathered = [];
    releases = [];
    gatheredBytes = 0;
    sizeBytes += bytes.length;
    await file.write(bytes);
    if (bytes !== first) releaseBuffer(bytes);
    for (const release of written) release();
  };
  const writeBytes = async (bytes: Uint8Array, release?: () => void): Promise<void> => {
    // Flushes the buffer first, so that a large page is not copied.
    if (bytes.length >= WRITE_SIZE_BYTES) await flush();
    gathered.push(bytes);
    if (release !== undefined) releases.push(release);
    gatheredBytes += bytes.length;
    if (gatheredBytes >= WRITE_SIZE_BYTES) await flush();
  };
  return {
    writeText: (text) => writeBytes(Buffer.from(text, 'utf8')),
    writeBytes,
    flush,
    sizeBytes: () => sizeBytes,
  };
}
