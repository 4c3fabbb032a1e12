import type { Entry, PartRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { ExportError } from '../platform/errors.ts';
import type { Disk, World } from '../platform/ports.ts';
import { cutFile, readPart } from '../spool/cut.ts';

/**
 * The entry's parts, cut when it is first sent or bundled: a file up to the part size is one part, itself. Whoever asks
 * first decides the cut, for every way to central: the keys and the bytes of a part must be the same on all of them.
 * Throws EXPORT_FILE_MISSING, EXPORT_FILE_DAMAGED.
 */
export async function planParts(
  { world, ledger }: { readonly world: Pick<World, 'clock' | 'disk'>; readonly ledger: Ledger },
  entry: Entry,
  partSizeBytes: number,
): Promise<readonly PartRow[]> {
  const existing = ledger.queue.parts(entry.entryNo);
  if (existing.length > 0) return existing;
  const facts = await world.disk.stat(entry.exportFile);
  if (facts === undefined)
    throw new ExportError(
      'EXPORT_FILE_MISSING',
      `The export file ${entry.exportFile} is not there any more`,
      {
        op: 'send the export',
        hint: 'Its records go with the next export.',
      },
    );
  if (facts.sizeBytes <= partSizeBytes) return [{ index: 1, slices: undefined, acknowledged: false }];
  const cut = await cutFile(world.disk, world.clock, entry.exportFile, partSizeBytes);
  // Another way to central may have planned the same cut while this one read the file, and have parts acknowledged.
  const meanwhile = ledger.queue.parts(entry.entryNo);
  if (meanwhile.length > 0) return meanwhile;
  ledger.queue.plan(
    entry.entryNo,
    partSizeBytes,
    cut.map(({ slices }, at) => ({ index: at + 1, slices })),
  );
  return ledger.queue.parts(entry.entryNo);
}

/** A part's body, byte for byte as it is sent before compression. Throws EXPORT_FILE_MISSING, EXPORT_FILE_DAMAGED. */
export async function readPartBody(
  disk: Disk,
  entry: Entry,
  part: PartRow,
  count: number,
): Promise<Uint8Array> {
  if (part.slices !== undefined) {
    const states = Object.fromEntries(
      Object.entries(entry.categories).map(([category, { state }]) => [category, state]),
    );
    return readPart(disk, entry.exportFile, { index: part.index, count, slices: part.slices, states });
  }
  const body = await disk.readRange(entry.exportFile, 0, entry.fileSizeBytes);
  if (body === undefined || body.length !== entry.fileSizeBytes)
    throw new ExportError(
      'EXPORT_FILE_DAMAGED',
      `The export file ${entry.exportFile} is not as it was written`,
      {
        op: 'read the export file',
        hint: 'Its records go with the next export.',
      },
    );
  return body;
}
