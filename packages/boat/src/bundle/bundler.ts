import { createHash } from 'node:crypto';
import {
  BUNDLE_PART_SIZE_MAX_BYTES,
  BUNDLE_SKIPPED_MAX,
  BUNDLE_VERSION,
  type BundleEnd,
  createLineDigest,
  type LineDigest,
  type Sign,
  toBundleLine,
} from '@d3kos/protocol';
import { planParts, readPartBody, toIdentity } from '../deliver/entry-parts.ts';
import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toLegacyTime, toStamp } from '../ledger/labels.ts';
import type { License } from '../license/license.ts';
import { permitSending } from '../license/policy.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { openExportReader } from '../spool/export-reader.ts';
import type { BundleKey } from './bundle-key.ts';
import { toBundleName, toReason } from './policy.ts';

/** Which exports a bundle contains: only waiting ones, or failed ones as well. */
export type BundleScope = 'waiting' | 'waiting_and_failed';

/** A bundle that is generated while it is being read. */
export interface Bundle {
  readonly name: string;
  /** Number of exports selected for the bundle. */
  readonly exportCount: number;
  /** The bundle's bytes, in chunks of at most one part. Each chunk is generated on request. */
  readonly pieces: () => AsyncGenerator<Uint8Array, void, void>;
}

/**
 * Creates offline bundles, which a person carries to central on a USB drive (docs/spec/protocol.md, "Offline bundle"). The daemon
 * only produces the bytes, and the command writes them to a file as the user who runs it. If the API accepted a path, any page
 * could write files with the daemon's privileges.
 */
export interface Bundler {
  /**
   * Creates a bundle, or returns undefined if no export is waiting. Once it resolves, the ledger has durably recorded that these
   * exports are in a bundle, so the boat queries central before it sends any of them (docs/spec/protocol.md R54). The entries
   * keep their state, because only a receipt proves delivery. Throws LICENSE_…, TIER_TOO_LOW.
   */
  bundle(scope: BundleScope): Promise<Bundle | undefined>;
}

export interface BundlerDeps {
  readonly world: Pick<World, 'clock' | 'disk' | 'log'>;
  readonly ledger: Ledger;
  readonly license: License;
  readonly partSizeBytes: number;
  readonly softwareVersion: string;
  /** Undefined if the key cannot be read or written. Bundles are then unsigned. */
  readonly bundleKey: BundleKey | undefined;
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
      // The entries are marked before the first byte is written, because even a drive that is removed too early may reach
      // central.
      ledger.bundled.mark(entries.map(({ exportId }) => exportId));
      const nowMs = world.clock.wall();
      return {
        name: toBundleName(permission.installationId, toStamp(nowMs)),
        exportCount: entries.length,
        pieces: () => makeBundle(deps, entries, permission.installationId, toLegacyTime(nowMs)),
      };
    },
  };
}

/** Lists the undelivered entries, oldest first, including any entry that is being sent, because it may not arrive. */
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
  const { world, ledger, bundleKey, signal } = deps;
  const lines = createLines(bundleKey, installationId);
  const skipped: BundleEnd['skipped'] = [];
  let skippedCount = 0;
  let parts = 0;
  let exportsWritten = 0;
  yield lines.write({
    d3kos_bundle: 'start',
    version: BUNDLE_VERSION,
    installation_id: installationId,
    created,
    software_version: deps.softwareVersion,
    ...(bundleKey === undefined ? {} : { key: bundleKey.publicKey }),
  });
  for (const { entryNo, queueId } of entries) {
    const pieces = bundleEntry(deps, lines, entryNo);
    const partsBefore = parts;
    for (;;) {
      signal.throwIfAborted();
      let step: IteratorResult<Uint8Array, void>;
      try {
        step = await pieces.next();
      } catch (error) {
        // One unreadable file must not keep the other exports out of the bundle. The `end` line reports the file.
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
    // An export that has been delivered in the meantime contributes no parts.
    if (parts > partsBefore) exportsWritten += 1;
  }
  world.log.write('info', `Bundled ${exportsWritten} exports in ${parts} parts`);
  yield lines.write({
    d3kos_bundle: 'end',
    exports: exportsWritten,
    parts,
    skipped_count: skippedCount,
    skipped,
    lines_sha256: lines.digest(),
  });
}

/** Yields one export's parts that have no receipt. Each consists of a control line, the body and a newline. */
async function* bundleEntry(
  deps: BundlerDeps,
  lines: Lines,
  entryNo: number,
): AsyncGenerator<Uint8Array, void, void> {
  const { world, ledger } = deps;
  // The entry is read again, because it may have been delivered or moved while earlier exports were written.
  const entry = ledger.queue.get(entryNo);
  if (entry === undefined || entry.status === 'completed') return;
  const reader = await openExportReader(world, entry.exportFile, toIdentity(ledger, entry));
  const parts = await planParts(ledger, entry, reader, entry.partSizeBytes ?? deps.partSizeBytes);
  for (const part of parts) {
    if (part.acknowledged) continue;
    const body = await readPartBody(entry, reader, part, parts.length);
    if (body.length > BUNDLE_PART_SIZE_MAX_BYTES)
      throw new ExportError('FILE_TOO_LARGE', `Part ${part.index} has ${body.length} bytes`, {
        op: `bundle ${entry.queueId}`,
        hint: 'It can be sent only over the network.',
      });
    const line = lines.write({
      d3kos_bundle: 'part',
      export_id: entry.exportId,
      part: { index: part.index, count: parts.length },
      sha256: toSha256(body),
      size_bytes: body.length,
    });
    yield Buffer.concat([line, body, Buffer.from('\n')]);
  }
}

/** Writes one bundle's control lines. */
interface Lines {
  /** Returns a line's bytes. docs/spec/protocol.md R78: "A boat MUST sign each line of a bundle with its Ed25519 key." */
  write(line: Parameters<typeof toBundleLine>[0]): Uint8Array;
  /** The digest of the previous lines (R80). */
  digest: LineDigest['value'];
}

function createLines(bundleKey: BundleKey | undefined, installationId: string): Lines {
  const digest = createLineDigest(toSha256);
  const sign: Sign | undefined =
    bundleKey === undefined ? undefined : (text) => bundleKey.sign(installationId, text);
  return {
    write: (line) => {
      const text = toBundleLine(line, sign);
      digest.add(text.slice(0, -1));
      return Buffer.from(text, 'ascii');
    },
    digest: digest.value,
  };
}

function toSha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
