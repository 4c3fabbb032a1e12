import { type Category, type DocumentHeader, isDocumentCategory } from '@d3kos/protocol';
import type { CollectOutcome, Page } from '../collect/collector.ts';
import { releaseBuffer, LINE_SEPARATOR } from '../collect/page.ts';
import type { Disk, StagedFile } from '../platform/ports.ts';

/** How much text is gathered before a write: pages are already large, headers are not worth a call each. */
const WRITE_SIZE_BYTES = 256 * 1024;

/**
 * An export file being written: the seed's document, one record per line, so that it can be cut at line ends
 * without being parsed. Nothing of it exists on the card before `commit` resolves.
 */
export interface ExportWriter {
  open(category: Category): Promise<void>;
  /** Writes a page, which is of no more use after this call: its memory is given back once it is written. */
  page(page: Page): Promise<void>;
  /** Ends the open section with its facts; a document category without a record becomes `data: {}`. */
  close(outcome: Pick<CollectOutcome, 'state' | 'detail' | 'note'>): Promise<number>;
  /** Ends the document and makes it durable. Gives its size in bytes. */
  commit(): Promise<number>;
  discard(): Promise<void>;
  /** Bytes handed to the disk so far. */
  sizeBytes(): number;
}

/** Starts the file that will appear at `path`. Throws what `Disk.stage` throws. */
export async function createExportWriter(
  disk: Disk,
  path: string,
  header: DocumentHeader,
): Promise<ExportWriter> {
  const file: StagedFile = await disk.stage(path);
  let gathered: Uint8Array[] = [];
  let releases: (() => void)[] = [];
  let gatheredBytes = 0;
  let sizeBytes = 0;
  let section: { category: Category; count: number } | undefined;
  let sections = 0;

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
    // A page that is a write of its own is not copied behind what was gathered.
    if (bytes.length >= WRITE_SIZE_BYTES) await flush();
    gathered.push(bytes);
    if (release !== undefined) releases.push(release);
    gatheredBytes += bytes.length;
    if (gatheredBytes >= WRITE_SIZE_BYTES) await flush();
  };
  const write = (text: string): Promise<void> => writeBytes(Buffer.from(text, 'utf8'));

  await write(`${JSON.stringify(header).slice(0, -1)},"data":{\n`);
  return {
    async open(category) {
      section = { category, count: 0 };
      const comma = sections === 0 ? '' : ',\n';
      sections += 1;
      const body = isDocumentCategory(category) ? '"data":\n' : '"entries":[\n';
      await write(`${comma}"${category}":{"category":"${category}",${body}`);
    },
    async page(page) {
      if (section === undefined) throw new Error('a page outside a section');
      if (page.count === 0) return;
      const isFirst = section.count === 0;
      const made = isFirst ? page.bytes : page.separated;
      if (made !== undefined) await writeBytes(made, () => page.release?.());
      else {
        const encoded = Buffer.from(isFirst ? page.lines : LINE_SEPARATOR + page.lines, 'utf8');
        await writeBytes(encoded, () => releaseBuffer(encoded));
      }
      section.count += page.count;
    },
    async close({ state, detail, note }) {
      if (section === undefined) throw new Error('no section to close');
      const { category, count } = section;
      section = undefined;
      const facts = JSON.stringify({
        entry_count: count,
        state,
        ...(note === undefined ? {} : { note }),
        ...(detail === undefined ? {} : { [state === 'error' ? 'error' : 'detail']: detail }),
      }).slice(1);
      const end = isDocumentCategory(category)
        ? `${count === 0 ? '{}' : ''}\n,`
        : `${count === 0 ? '' : '\n'}],`;
      await write(`${end}${facts}`);
      return count;
    },
    async commit() {
      await write('\n}}\n');
      await flush();
      await file.commit();
      return sizeBytes;
    },
    discard: () => file.discard(),
    sizeBytes: () => sizeBytes,
  };
}
