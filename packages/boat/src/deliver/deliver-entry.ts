import type { Entry, PartRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { HandledReport } from '../ledger/missing-exports.ts';
import type { Completed } from '../ledger/queue-outcomes.ts';
import type { License } from '../license/license.ts';
import { type LicenseRefusal, permitSending } from '../license/policy.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { type ExportReader, openExportReader } from '../spool/export-reader.ts';
import type { CentralClient } from './central-client.ts';
import {
  cutAgain,
  estimateBodyBytes,
  planParts,
  readPartBody,
  toCuttable,
  toIdentity,
} from './entry-parts.ts';
import { acknowledgeHeld, HELD_PARTS_UNKNOWN, type HeldParts } from './held-parts.ts';
import type { Outcome } from './outcome.ts';
import type { PartFailures } from './part-failures.ts';
import { hasLostParts, type HeldIndexes, judgeCut, mustQueryHeldParts } from './policy/held-parts.ts';
import { sizeAfterCutOffs, smallerPartSize } from './policy/part-size.ts';
import {
  confirmByProbe,
  decideVerdict,
  HELD_DIFFERENTLY_VERDICT,
  type Verdict,
  type VerdictFacts,
} from './policy/verdict.ts';

/** How this run of an entry's delivery ended. `wireSizeBytes` is the number of bytes sent after the last acknowledged part. */
export type EntryResult =
  | ({ readonly kind: 'delivered' } & Completed)
  | {
      readonly kind: 'stopped';
      readonly verdict: Exclude<Verdict, { kind: 'delivered' | 'cut_smaller' }>;
      readonly wireSizeBytes: number;
    }
  /** The licence no longer permits sending. */
  | NotPermitted;

interface NotPermitted {
  readonly kind: 'not_permitted';
  readonly refusal: LicenseRefusal;
  readonly wireSizeBytes: number;
}

/** A delivery step. The consumer may stop after `part_acknowledged`; acknowledged parts stay acknowledged. */
export type DeliveryStep =
  | { readonly kind: 'part_started'; readonly partIndex: number; readonly partCount: number }
  /** Central answered an authenticated request. */
  | { readonly kind: 'central_answered' }
  | { readonly kind: 'parts_cut'; readonly partSizeBytes: number; readonly cause: 'refused' | 'cut_off' }
  /** `report`: delivered exports that central has lost, as listed in its answer. */
  | {
      readonly kind: 'part_acknowledged';
      readonly report: HandledReport | undefined;
      readonly wireSizeBytes: number;
    };

export interface DeliverEntryDeps {
  readonly world: Pick<World, 'clock' | 'disk'>;
  readonly ledger: Ledger;
  readonly license: License;
  readonly central: CentralClient;
  readonly failures: PartFailures;
}

/** One entry to deliver, with the installation ID and the part size to use if the entry has not been split yet. */
export interface Delivery {
  readonly entry: Entry;
  readonly token: string;
  /** This boat's ID. An export from another installation is rejected without sending a request. */
  readonly installationId: string;
  readonly partSizeBytes: number;
}

type Steps<Result> = AsyncGenerator<DeliveryStep, Result, void>;

/** An entry that is ready to be sent, with its parts. */
interface OpenParts {
  readonly kind: 'open';
  readonly reader: ExportReader;
  readonly parts: readonly PartRow[];
  readonly partSizeBytes: number;
}

/**
 * Sends an entry part by part. Returns once central holds every part or the delivery stops. Each acknowledged part is
 * recorded in the ledger before the next part is sent (docs/spec/protocol.md R35). An interruption therefore repeats at
 * most one part, under the same idempotency key. Rejects when aborted and when the ledger fails.
 */
export async function* deliverEntry(
  deps: DeliverEntryDeps,
  delivery: Delivery,
  signal: AbortSignal,
): Steps<EntryResult> {
  try {
    const open = yield* openParts(deps, delivery, signal);
    return open.kind === 'open' ? yield* sendParts(deps, delivery, open, signal) : open;
  } catch (error) {
    return stopForFile(toFileOutcome(error));
  }
}

/** Returns the outcome for an export whose file cannot be used. Rethrows every other error. */
function toFileOutcome(error: unknown): FileOutcome {
  if (isExportError(error, 'DISK_FAILED')) return { kind: 'file_unreadable', detail: error.message };
  if (isExportError(error, 'EXPORT_FILE_MISSING') || isExportError(error, 'EXPORT_FILE_DAMAGED'))
    return { kind: 'file_unusable', errorCode: error.code, detail: error.message };
  throw error;
}

type FileOutcome = Extract<Outcome, { kind: 'file_unreadable' | 'file_unusable' }>;

/** Ends delivery of an export that cannot be sent. */
function stopForFile(outcome: FileOutcome): EntryResult {
  const verdict = decideVerdict(outcome, { canCut: false, doOthersPass: false });
  if (verdict.kind !== 'unreadable' && verdict.kind !== 'rejected')
    throw new Error(`the verdict on a file is ${verdict.kind}`);
  return { kind: 'stopped', verdict, wireSizeBytes: 0 };
}

/**
 * Opens the file and plans the parts. Parts that central already holds are acknowledged (`policy/held-parts.ts`). If the link has
 * cut off the first open part too often, the open parts are split into smaller ones (`policy/part-size.ts`, decision 0024).
 */
async function* openParts(
  { world, ledger, central, failures }: DeliverEntryDeps,
  delivery: Delivery,
  signal: AbortSignal,
): Steps<OpenParts | Exclude<EntryResult, NotPermitted>> {
  const { entry, token, installationId } = delivery;
  const partSizeBytes = entry.partSizeBytes ?? delivery.partSizeBytes;
  const reader = await openExportReader(world, entry.exportFile, toIdentity(ledger, entry));
  await requireOwnExport(reader, installationId);
  const planned = await planParts(ledger, entry, reader, partSizeBytes);
  const first = planned.find((part) => !part.acknowledged);
  const firstIndex = first?.index ?? 1;
  const smallerBytes =
    first === undefined
      ? undefined
      : sizeAfterCutOffs(
          toCuttable(first, partSizeBytes, estimateBodyBytes(first, entry)),
          failures.cutOffs(entry.entryNo, firstIndex),
        );
  const isCutDue = smallerBytes !== undefined;
  const isResumed = planned.some((part) => part.acknowledged);
  const { held, parts: known } = mustQueryHeldParts({
    isResumed,
    isBundled: ledger.bundled.has(entry.exportId),
    isCutDue,
  })
    ? await queryHeld({ ledger, central }, { entry, token, planned, firstIndex }, signal)
    : { held: HELD_PARTS_UNKNOWN, parts: planned };
  if (held.offers !== undefined) yield { kind: 'central_answered' };
  const after = await acknowledgeHeld({ ledger, clock: world.clock }, entry, reader, known, held.receipts);
  if (after.kind === 'delivered') return after;
  const isAcknowledged = after.parts.every((part) => part.index !== firstIndex || part.acknowledged);
  const cut = judgeCut({ isCutDue, held: toHeldIndexes(held), partIndex: firstIndex, isAcknowledged });
  if (cut === 'held_differently') return HELD_DIFFERENTLY;
  if (cut === 'keep' || smallerBytes === undefined) return { ...after, reader, partSizeBytes };
  const parts = await cutAgain(ledger, entry, reader, smallerBytes, after.parts);
  failures.forget(entry.entryNo);
  yield { kind: 'parts_cut', partSizeBytes: smallerBytes, cause: 'cut_off' };
  return { kind: 'open', reader, parts, partSizeBytes: smallerBytes };
}

const HELD_DIFFERENTLY = { kind: 'stopped', verdict: HELD_DIFFERENTLY_VERDICT, wireSizeBytes: 0 } as const;

function toHeldIndexes({ receipts, isWhole }: HeldParts): HeldIndexes {
  return { indexes: receipts.map(({ part }) => part.index), isWhole };
}

/**
 * Queries which parts central holds. docs/spec/protocol.md R102: "A boat that resumes an export with acknowledged parts MUST
 * query the held parts from the last acknowledged part on, and, if central does not hold that part, MUST send again every part
 * that central does not hold." If only the answer to a part was lost, the query also makes it unnecessary to send that part
 * again.
 */
async function queryHeld(
  { ledger, central }: Pick<DeliverEntryDeps, 'ledger' | 'central'>,
  {
    entry,
    token,
    planned,
    firstIndex,
  }: {
    readonly entry: Entry;
    readonly token: string;
    readonly planned: readonly PartRow[];
    readonly firstIndex: number;
  },
  signal: AbortSignal,
): Promise<{ readonly held: HeldParts; readonly parts: readonly PartRow[] }> {
  const { exportId, entryNo } = entry;
  const last = planned.findLast((part) => part.acknowledged)?.index;
  const query = { token, exportId, firstIndex: Math.min(firstIndex, last ?? firstIndex) };
  const held = await central.fetchHeldParts(query, signal);
  if (!hasLostParts(last, toHeldIndexes(held))) return { held, parts: planned };
  const parts = ledger.queue.reopenParts(entryNo);
  return { held: await central.fetchHeldParts({ token, exportId, firstIndex: 1 }, signal), parts };
}

/** Throws EXPORT_FILE_DAMAGED for an export from another installation, for example on a copied card. */
async function requireOwnExport(reader: ExportReader, installationId: string): Promise<void> {
  const made = await reader.installationId();
  if (made === installationId) return;
  throw new ExportError(
    'EXPORT_FILE_DAMAGED',
    `The export belongs to installation ${made ?? 'unknown'}, but this boat is ${installationId}`,
    { op: 'send the export', hint: "The boat's next export will contain its records." },
  );
}

/** Sends the open parts in order until none is left or one is not acknowledged. */
async function* sendParts(
  deps: DeliverEntryDeps,
  delivery: Delivery,
  open: OpenParts,
  signal: AbortSignal,
): Steps<EntryResult> {
  const { ledger, failures } = deps;
  const { entry } = delivery;
  let { parts, partSizeBytes } = open;
  for (;;) {
    const next = parts.find((part) => !part.acknowledged);
    if (next === undefined) return explainNoOpenPart(parts);
    const part = { index: next.index, count: parts.length };
    yield { kind: 'part_started', partIndex: part.index, partCount: part.count };
    const body = await readPartBody(entry, open.reader, next, part.count);
    const permission = permitSending(await deps.license.current(signal));
    if (permission.kind === 'refused')
      return { kind: 'not_permitted', refusal: permission, wireSizeBytes: 0 };
    const { outcome, wireSizeBytes } = await deps.central.sendPart(
      { token: delivery.token, ledgerId: ledger.facts.ledgerId, exportId: entry.exportId, part, body },
      signal,
    );
    // Without a connection, no bytes count against the data budget.
    const sentBytes = outcome.kind === 'no_connection' ? 0 : wireSizeBytes;
    signal.throwIfAborted();
    if (outcome.kind === 'receipt') yield { kind: 'central_answered' };
    const smallerBytes = smallerPartSize(toCuttable(next, partSizeBytes, body.length), 'refused');
    const facts = {
      canCut: smallerBytes !== undefined,
      doOthersPass: entry.refusalCount > 0 || failures.doOthersPass(entry.entryNo, next.index),
    };
    failures.record(entry.entryNo, next.index, outcome);
    const verdict = await judge(deps, outcome, facts, signal);
    switch (verdict.kind) {
      case 'delivered': {
        const atMs = deps.world.clock.wall();
        const { receipt, missing } = verdict;
        const acknowledged = { partIndex: next.index, receipt, missing, atMs, wireSizeBytes };
        if (parts.every((other) => other === next || other.acknowledged))
          return { kind: 'delivered', ...ledger.queue.complete(entry.entryNo, acknowledged) };
        const report = ledger.queue.acknowledge(entry.entryNo, acknowledged);
        parts = parts.map((other) => (other === next ? { ...other, acknowledged: true } : other));
        yield { kind: 'part_acknowledged', report, wireSizeBytes };
        break;
      }
      case 'cut_smaller':
        ledger.queue.addSent(entry.entryNo, wireSizeBytes, deps.world.clock.wall());
        partSizeBytes = smallerBytes ?? partSizeBytes;
        parts = await cutAgain(ledger, entry, open.reader, partSizeBytes, parts);
        failures.forget(entry.entryNo);
        yield { kind: 'parts_cut', partSizeBytes, cause: 'refused' };
        break;
      case 'not_permitted':
        return { ...verdict, wireSizeBytes };
      case 'unreachable':
      case 'unavailable':
      case 'throttled':
      case 'refused_on_the_way':
      case 'blocked':
      case 'diverged':
      case 'rejected':
      case 'unreadable':
        return { kind: 'stopped', verdict, wireSizeBytes: sentBytes };
      default:
        return verdict satisfies never;
    }
  }
}

/** Turns the outcome of sending a part into a verdict, and probes central if the verdict depends on it. */
async function judge(
  { license, central }: Pick<DeliverEntryDeps, 'license' | 'central'>,
  outcome: Outcome,
  facts: VerdictFacts,
  signal: AbortSignal,
): Promise<Verdict | Omit<NotPermitted, 'wireSizeBytes'>> {
  const verdict = decideVerdict(outcome, facts);
  if (verdict.kind !== 'probe_needed') return verdict;
  // The send may have taken minutes. At tier 0 the boat opens no connection, not even for a probe (decision 0014).
  const permission = permitSending(await license.current(signal));
  if (permission.kind === 'refused') return { kind: 'not_permitted', refusal: permission };
  return confirmByProbe(verdict, await central.probe(signal));
}

/** The result for an entry that has no open part. The entry fails, so that it does not block the entries behind it. */
function explainNoOpenPart(parts: readonly PartRow[]): EntryResult {
  if (parts.length === 0)
    return stopForFile({
      kind: 'file_unusable',
      errorCode: 'EXPORT_FILE_DAMAGED',
      detail: 'The export has no records to split into parts',
    });
  // The last receipt and the completion are committed together. Only a card that loses synced writes can separate them.
  return stopForFile({
    kind: 'file_unusable',
    errorCode: 'LEDGER_FAILED',
    detail:
      'The ledger has a receipt for every part, but no record of the delivery; the next export will contain its records',
  });
}
