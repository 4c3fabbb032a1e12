import { createHash } from 'node:crypto';
import {
  BUNDLE_PART_SIZE_MAX_BYTES,
  BUNDLE_SKIPPED_MAX,
  BUNDLE_VERSION,
  type BundleEnd,
  toBundleLine,
} from '@d3kos/protocol';
import { markBundled } from '../deliver/bundled.ts';
import { planParts, readPartBody } from '../deliver/entry-parts.ts';
import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toLegacyTime, toStamp } from '../ledger/policy.ts';
import type { License } from '../license/license.ts';
import { permitSending } from '../license/policy.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { openExportReader } from '../spool/export-reader.ts';
import { toBundleName, toReason } from './policy.ts';

/** Which exports go: those that wait, or the failed ones as well. */
export type BundleScope = 'waiting' | 'waiting_and_failed';

/** A bundle that is made while it is read. */
export interface Bundle {
  readonly name: string;
  /** Exports it was begun with. */
  readonly exportCount: number;
  /** Its bytes in pieces of at most one part; each part is made when it is asked for. */
  readonly pieces: () => AsyncGenerator<Uint8Array, void, void>;
}

/**
 * Gives exports to whoever carries them to central on a stick (format: protocol's bundle). The daemon makes the bytes and
 * names no place: a path that came over the API would let any page or program have files written anywhere with the
 * daemon's rights. The command writes them, in a folder that the person who runs it may write in.
 */
export interface Bundler {
  /**
   * Undefined where nothing waits. When it resolves, the boat has durably noted to ask central about these exports before
   * it sends one. No entry changes its state: only central's receipt delivers. Throws LICENSE_…, TIER_TOO_LOW.
   */
  bundle(scope: BundleScope): Promise<Bundle | undefined>;
}

export interface BundlerDeps {
  readonly world: Pick<World, 'clock' | 'disk' | 'log'>;
  readonly ledger: Ledger;
  readonly license: License;
  readonly partSizeBytes: number;
  readonly softwareVersion: string;
  readonly signal: AbortSignal;
}

export function createBundler(deps: BundlerDeps): Bundler {
  const { world, ledger, license, signal } = deps;
  return {
    async bundle(scope) {
      const permission = permitSending(await license.current(signal));
      if (permission.kind === 'refused')
        throw new ExportError(permission.code, permission.message, {
          op: 'bundle exports',
          hint: permission.hint,
        });
      const entries = selectEntries(ledger, scope);
      if (entries.length === 0) return undefined;
      // Before the first byte: a stick that is pulled out early may still reach central.
      markBundled(ledger, entries);
      const nowMs = world.clock.wall();
      return {
        name: toBundleName(permission.installationId, toStamp(nowMs)),
        exportCount: entries.length,
        pieces: () => makeBundle(deps, entries, permission.installationId, toLegacyTime(nowMs)),
      };
    },
  };
}

/** What is not known to be delivered, oldest first; an entry that is being sent now may not arrive. */
function selectEntries({ queue }: Ledger, scope: BundleScope): readonly Entry[] {
  const failed = scope === 'waiting_and_failed' ? queue.list('failed') : [];
  return [...queue.list('pending'), ...queue.list('uploading'), ...failed].sort(
    (one, other) => one.entryNo - other.entryNo,
  );
}

async function* makeBundle(
  deps: BundlerDeps,
  entries: readonly Entry[],
  installationId: string,
  created: string,
): AsyncGenerator<Uint8Array, void, void> {
  const { world, ledger, signal } = deps;
  const skipped: BundleEnd['skipped'] = [];
  let skippedCount = 0;
  let parts = 0;
  yield toLine({
    d3kos_bundle: 'start',
    version: BUNDLE_VERSION,
    installation_id: installationId,
    created,
    software_version: deps.softwareVersion,
  });
  for (const { entryNo, queueId } of entries) {
    const pieces = bundleEntry(deps, entryNo);
    for (;;) {
      signal.throwIfAborted();
      let step: IteratorResult<Uint8Array, void>;
      try {
        step = await pieces.next();
      } catch (error) {
        // One file that cannot be read must not keep the others on board; it is told in the last line.
        if (!isExportError(error)) throw error;
        if (ledger.queue.get(entryNo)?.status === 'completed') break;
        skippedCount += 1;
        if (skipped.length < BUNDLE_SKIPPED_MAX)
          skipped.push({ queue_id: queueId, reason: toReason(error.message) });
        world.log.write('warn', `Not bundled: ${queueId}: ${error.message}`, { hint: error.hint });
        break;
      }
      if (step.done === true) break;
      parts += 1;
      yield step.value;
    }
  }
  world.log.write('info', `Bundled ${entries.length - skippedCount} exports in ${parts} parts`);
  yield toLine({
    d3kos_bundle: 'end',
    exports: entries.length - skippedCount,
    parts,
    skipped_count: skippedCount,
    skipped,
  });
}

/** The parts of one export that central is not known to hold, each as its line, its body and a line end. */
async function* bundleEntry(deps: BundlerDeps, entryNo: number): AsyncGenerator<Uint8Array, void, void> {
  const { world, ledger } = deps;
  // As it is now: while the exports before it were written it may have been delivered or moved.
  const entry = ledger.queue.get(entryNo);
  if (entry === undefined || entry.status === 'completed') return;
  const reader = await openExportReader(world, entry.exportFile);
  const parts = await planParts(ledger, entry, reader, entry.partSizeBytes ?? deps.partSizeBytes);
  for (const part of parts) {
    if (part.acknowledged) continue;
    const body = await readPartBody(entry, reader, part, parts.length);
    if (body.length > BUNDLE_PART_SIZE_MAX_BYTES)
      throw new ExportError('FILE_TOO_LARGE', `Part ${part.index} has ${body.length} bytes`, {
        op: `bundle ${entry.queueId}`,
        hint: 'It goes over the network only.',
      });
    const line = toLine({
      d3kos_bundle: 'part',
      export_id: entry.exportId,
      part: { index: part.index, count: parts.length },
      sha256: createHash('sha256').update(body).digest('hex'),
      size_bytes: body.length,
    });
    yield Buffer.concat([line, body, Buffer.from('\n')]);
  }
}

function toLine(line: Parameters<typeof toBundleLine>[0]): Uint8Array {
  return Buffer.from(toBundleLine(line), 'ascii');
}
