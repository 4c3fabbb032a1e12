import { createHash } from 'node:crypto';
import { type ContentCoding, HeldPartsSchema, IMPORT_PATH, type Receipt } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import type { Entry, PartRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Completed } from '../ledger/queue-outcomes.ts';
import type { Clock, Transport } from '../platform/ports.ts';
import { parseJsonBytes, readAnswer, toTransportFailure } from '../platform/transport-answer.ts';
import type { ExportReader } from '../spool/export-reader.ts';
import { readPartBody } from './entry-parts.ts';
import { parseAcceptEncoding } from './policy/http-headers.ts';
import { findReceiptMismatch } from './policy/receipt.ts';

/**
 * Maximum size of an answer, in bytes. Central ends a page at about 500 KB, or after one receipt with a thousand rejected
 * records.
 */
const ANSWER_SIZE_MAX_BYTES = 2 * 1024 * 1024;
/**
 * Maximum number of pages read for one export. A page has up to 50 receipts, so the limit covers a 4 GB export in 1 MiB parts.
 */
const PAGES_MAX = 100;
/**
 * Maximum total size of one query's pages, in bytes. The receipts for a 4 GB export need about 2 MB. All pages are in memory at
 * once, and no answer from central may make the daemon exceed its memory limit.
 */
const PAGES_SIZE_MAX_BYTES = 8 * 1024 * 1024;
/**
 * Time after which no further pages are requested. The delivery worker waits for this query, so a slow central must not block it
 * indefinitely. On the slowest working link, 2 MB take about four minutes.
 */
const QUERY_MAX_MS = 5 * 60_000;

const heldShape = Compile(HeldPartsSchema);

/** The export to query, and the first part to ask for. */
export interface HeldPartsQuery {
  readonly exportId: string;
  /** The first part to query. */
  readonly firstIndex: number;
}

/** The parts that central holds. `offers` is undefined if central did not answer. */
export interface HeldParts {
  readonly receipts: readonly Receipt[];
  readonly offers: readonly ContentCoding[] | undefined;
  /** True if central returned all pages. It then holds no parts other than those listed. */
  readonly isWhole: boolean;
}

/** The result if no query was made. */
export const HELD_PARTS_UNKNOWN: HeldParts = { receipts: [], offers: undefined, isWhole: false };

/**
 * Asks central which parts of an export it holds (docs/spec/protocol.md R52). If central does not have this route, an answer is
 * foreign, the link fails, or there are too many answers or they are too slow, the query stops early with the receipts read so
 * far. The boat then sends the remaining parts, which is harmless if central already holds them. Rejects with the signal's reason
 * when aborted.
 */
export async function fetchHeldParts(
  { transport, clock }: { readonly transport: Transport; readonly clock: Pick<Clock, 'monotonic'> },
  target: HeldPartsQuery & { readonly centralUrl: string; readonly token: string },
  signal: AbortSignal,
): Promise<HeldParts> {
  const receipts: Receipt[] = [];
  let offers: readonly ContentCoding[] | undefined;
  let isWhole = false;
  let after = target.firstIndex - 1;
  let leftBytes = PAGES_SIZE_MAX_BYTES;
  const beganMs = clock.monotonic();
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    if (clock.monotonic() - beganMs > QUERY_MAX_MS) break;
    const request = new Request(`${target.centralUrl}${IMPORT_PATH}/${target.exportId}?after=${after}`, {
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${target.token}`,
        accept: 'application/json',
        'accept-encoding': 'identity',
      },
    });
    const page = await exchange(transport, request, Math.min(leftBytes, ANSWER_SIZE_MAX_BYTES), signal);
    if (page === undefined || page.held.export_id !== target.exportId) break;
    leftBytes -= page.sizeBytes;
    receipts.push(...page.held.parts);
    ({ offers } = page);
    isWhole = page.held.next === null;
    // A `next` that does not advance would return the same page endlessly.
    if (page.held.next === null || page.held.next <= after) break;
    after = page.held.next;
  }
  return { receipts, offers, isWhole };
}

async function exchange(transport: Transport, request: Request, sizeMaxBytes: number, signal: AbortSignal) {
  try {
    const response = await transport(request, signal);
    const body = await readAnswer(response, sizeMaxBytes);
    if (response.status !== 200 || body.kind !== 'whole') return undefined;
    const value = parseJsonBytes(body.bytes)?.value;
    if (!heldShape.Check(value)) return undefined;
    return {
      held: value,
      sizeBytes: body.bytes.byteLength,
      offers: parseAcceptEncoding(response.headers.get('accept-encoding')),
    };
  } catch (error) {
    toTransportFailure(error, signal);
    return undefined;
  }
}

/**
 * Acknowledges each part for which a receipt matches the export, the part and the SHA-256 of the body that would be sent. The
 * receipt may also match a body that was sent before other parts were split further and that therefore states a lower number of
 * parts (docs/spec/protocol.md R56). Returns the parts with their new states, or the entry if every part is acknowledged. Throws
 * EXPORT_FILE_MISSING, EXPORT_FILE_DAMAGED.
 */
export async function acknowledgeHeld(
  { ledger, clock }: { readonly ledger: Ledger; readonly clock: Pick<Clock, 'wall'> },
  entry: Entry,
  reader: ExportReader,
  parts: readonly PartRow[],
  receipts: readonly Receipt[],
): Promise<
  { readonly kind: 'open'; readonly parts: readonly PartRow[] } | ({ readonly kind: 'delivered' } & Completed)
> {
  const current = [...parts];
  for (const [at, part] of parts.entries()) {
    const receipt = receipts.find(
      (held) => held.part.index === part.index && held.part.count <= parts.length,
    );
    if (part.acknowledged || receipt === undefined) continue;
    const expected = { exportId: entry.exportId, part: { index: part.index, count: receipt.part.count } };
    const body = await readPartBody(entry, reader, part, receipt.part.count);
    const bodySha256 = createHash('sha256').update(body).digest('hex');
    if (findReceiptMismatch(receipt, { ...expected, bodySha256 }) !== undefined) continue;
    // The part arrived in an offline bundle, so none of its bytes were sent over the link.
    const acknowledged = { partIndex: part.index, receipt, atMs: clock.wall(), wireSizeBytes: 0 };
    current[at] = { ...part, acknowledged: true };
    if (current.every((other) => other.acknowledged))
      return { kind: 'delivered', ...ledger.queue.complete(entry.entryNo, acknowledged) };
    ledger.queue.acknowledge(entry.entryNo, acknowledged);
  }
  return { kind: 'open', parts: current };
}
