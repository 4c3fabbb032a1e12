import { gunzipSync } from 'node:zlib';
import { createInlinePreparer, type Preparer } from '../packages/central/src/import/preparer.ts';
import { createWorkerPreparer } from '../packages/central/src/import/worker-preparer.ts';
import { MAIN_THREAD_SIZE_MAX_BYTES } from '../packages/central/src/import/thread-policy.ts';
import { toPart } from './central-client.ts';
import { median, toFigure } from './figure.ts';
import type { Bench } from './run.ts';

/** Decoded sizes, in KiB, around MAIN_THREAD_SIZE_MAX_BYTES. */
const SIZES_KIB = [16, 32, 64, 128, 256, 512] as const;
/** Bytes of one record in a document. */
const RECORD_BYTES = 217;
/** Number of bodies of each size that one repetition handles, one after another. */
const BODIES = 40;
/** Size at which decoding stops, larger than every measured body. */
const SIZE_MAX_BYTES = 32 * 1_048_576;

/** What one body cost. */
interface Cost {
  /** CPU time of this thread, during which it answers no other request. */
  readonly mainMs: number;
  /** Time until the body was decoded and prepared. */
  readonly waitedMs: number;
}

/**
 * Measures where a body is decoded and prepared faster: on the thread that answers requests, or on another thread, which adds the
 * cost of the transfer. `MAIN_THREAD_SIZE_MAX_BYTES` follows from it.
 */
export const benchInline: Bench = async ({ options, report, logProgress }) => {
  const threads = createWorkerPreparer(1);
  const preparers = { inline: createInlinePreparer(() => performance.now()), thread: threads } as const;
  try {
    for (const kib of SIZES_KIB) {
      const rows = Math.floor((kib * 1_024) / RECORD_BYTES);
      const costs: Record<keyof typeof preparers, Cost[]> = { inline: [], thread: [] };
      for (let round = 0; round <= options.repetitions; round += 1)
        for (const [name, preparer] of Object.entries(preparers) as [keyof typeof preparers, Preparer][])
          for (let body = 1; body <= BODIES; body += 1) {
            const cost = await measureBody(preparer, body, rows);
            if (round > 0) costs[name].push(cost);
          }
      logProgress(`${kib} KiB measured`);
      for (const [name, list] of Object.entries(costs)) {
        const waited = median(list.map(({ waitedMs }) => waitedMs));
        const main = median(list.map(({ mainMs }) => mainMs));
        const note = `${waited.toFixed(2)} ms until prepared; the limit is ${MAIN_THREAD_SIZE_MAX_BYTES / 1_024} KiB`;
        report(toFigure(`inline.${name}_main_thread_${kib}_kib`, main, 'ms', 'orientation', note));
      }
    }
  } finally {
    await threads.close();
  }
};

async function measureBody(preparer: Preparer, sequence: number, rows: number): Promise<Cost> {
  const { key, body } = toPart({ id: '0'.repeat(16), token: '' }, 'c'.repeat(16), sequence, rows);
  // The preparer may take over the buffer.
  const bytes = new Uint8Array(body);
  const before = process.threadCpuUsage();
  const startedMs = performance.now();
  const decoded = await preparer.decode({ bytes, coding: 'gzip', sizeMaxBytes: SIZE_MAX_BYTES }, () => 0);
  if (decoded.kind !== 'done' || decoded.result.kind !== 'decoded') throw new Error('a body was not decoded');
  const { result } = decoded;
  const part = { bytes: result.bytes, sha256: result.sha256, installationId: undefined, idempotencyKey: key };
  const prepared = await preparer.prepare(part, () => 0);
  if (prepared.kind !== 'done' || prepared.result.kind !== 'prepared')
    throw new Error(`a body of ${gunzipSync(body).length} bytes was not prepared`);
  const { user, system } = process.threadCpuUsage(before);
  return { mainMs: (user + system) / 1_000, waitedMs: performance.now() - startedMs };
}
