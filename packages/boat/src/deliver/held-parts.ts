import { createHash } from 'node:crypto';
import { type ContentCoding, HeldPartsSchema, IMPORT_PATH, type Receipt } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import type { Entry, PartRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Disk, Transport, WallMs } from '../platform/ports.ts';
import { parseJsonBytes, readAnswer, toTransportFailure } from '../platform/transport-answer.ts';
import { isBundled } from './bundled.ts';
import { readPartBody } from './entry-parts.ts';
import { parseAcceptEncoding } from './policy/http-headers.ts';

/** Largest answer that is read: central ends one at about 500 KB, or at one receipt that names a thousand rejected records. */
const ANSWER_SIZE_MAX_BYTES = 2 * 1024 * 1024;
/** Answers read for one export: 50 receipts each, so more than a 4 GB export of usual parts has. */
const ANSWERS_MAX = 100;

const heldShape = Compile(HeldPartsSchema);

/** What is asked about an export that is about to be sent. */
export interface HeldPartsQuery {
  readonly exportId: string;
  /** The first part that is not acknowledged: those before it are not asked for. */
  readonly firstIndex: number;
  /** That part was sent and its answer never came: central may hold it. */
  readonly mayBeHeld: boolean;
}

/** What central says it holds of an export; undefined `offers`: nobody who could be central answered. */
export interface HeldPartsResult {
  readonly receipts: readonly Receipt[];
  readonly offers: readonly ContentCoding[] | undefined;
  /** True where central answered to the end: it does not hold what it did not name. */
  readonly isWhole: boolean;
}

/** Where it is asked, and as whom. */
interface HeldTarget extends HeldPartsQuery {
  readonly centralUrl: string;
  readonly token: string;
}

const NOT_ASKED: HeldPartsResult = { receipts: [], offers: undefined, isWhole: false };

/**
 * Asks central which parts of an export it holds. A central that does not know the question, an answer that is not
 * central's and a link that fails all give what was heard so far: then the parts are sent, which is harmless where central
 * has them. Rejects with the signal's reason when aborted.
 */
async function fetchHeldParts(
  transport: Transport,
  target: HeldTarget,
  signal: AbortSignal,
): Promise<HeldPartsResult> {
  const receipts: Receipt[] = [];
  let offers: readonly ContentCoding[] | undefined;
  let isWhole = false;
  let after = target.firstIndex - 1;
  for (let answers = 0; answers < ANSWERS_MAX; answers += 1) {
    const request = new Request(`${target.centralUrl}${IMPORT_PATH}/${target.exportId}?after=${after}`, {
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${target.token}`,
        accept: 'application/json',
        'accept-encoding': 'identity',
      },
    });
    const answer = await exchange(transport, request, signal);
    if (answer === undefined || answer.held.export_id !== target.exportId) break;
    receipts.push(...answer.held.parts);
    ({ offers } = answer);
    isWhole = answer.held.next === null;
    // Only forward: an answer that leads back would be asked for again and again.
    if (answer.held.next === null || answer.held.next <= after) break;
    after = answer.held.next;
  }
  return { receipts, offers, isWhole };
}

/** Asks about an export that was written to a stick since it was made, or whose part may be held; of every other, central is not asked. */
export async function fetchHeldPartsIfUnsure(
  { ledger, world }: { readonly ledger: Ledger; readonly world: { readonly transport: Transport } },
  target: HeldTarget,
  signal: AbortSignal,
): Promise<HeldPartsResult> {
  const isAsked = target.mayBeHeld || isBundled(ledger, target.exportId);
  return isAsked ? fetchHeldParts(world.transport, target, signal) : NOT_ASKED;
}

async function exchange(transport: Transport, request: Request, signal: AbortSignal) {
  try {
    const response = await transport(request, signal);
    const body = await readAnswer(response, ANSWER_SIZE_MAX_BYTES);
    const value = body.kind === 'whole' ? parseJsonBytes(body.bytes)?.value : undefined;
    if (response.status !== 200 || !heldShape.Check(value)) return undefined;
    return { held: value, offers: parseAcceptEncoding(response.headers.get('accept-encoding')) };
  } catch (error) {
    toTransportFailure(error, signal);
    return undefined;
  }
}

/**
 * Acknowledges the parts that a receipt proves: export, part and SHA-256 are those of the body that would be sent, exactly
 * as for a receipt that answers a request. Gives the parts as they are then, or the entry where that was all of it.
 * Throws EXPORT_FILE_MISSING, EXPORT_FILE_DAMAGED.
 */
export async function acknowledgeHeld(
  { disk, ledger, atMs }: { readonly disk: Disk; readonly ledger: Ledger; readonly atMs: () => WallMs },
  entry: Entry,
  parts: readonly PartRow[],
  receipts: readonly Receipt[],
): Promise<
  | { readonly kind: 'open'; readonly parts: readonly PartRow[] }
  | { readonly kind: 'delivered'; readonly entry: Entry }
> {
  const count = parts.length;
  const current = [...parts];
  for (const [at, part] of parts.entries()) {
    const receipt = receipts.find(
      (held) =>
        held.export_id === entry.exportId && held.part.index === part.index && held.part.count === count,
    );
    if (part.acknowledged || receipt === undefined) continue;
    const body = await readPartBody(disk, entry, part, count);
    if (receipt.sha256 !== createHash('sha256').update(body).digest('hex')) continue;
    // What came on a stick cost no byte of the link.
    const acknowledged = { partIndex: part.index, receipt, atMs: atMs(), wireSizeBytes: 0 };
    current[at] = { ...part, acknowledged: true };
    if (current.every((other) => other.acknowledged))
      return { kind: 'delivered', entry: ledger.queue.complete(entry.entryNo, acknowledged) };
    ledger.queue.acknowledge(entry.entryNo, acknowledged);
  }
  return { kind: 'open', parts: current };
}
