import { join } from 'node:path';
import {
  type DocumentHeader,
  FORMAT_VERSION,
  FORMER_LEDGERS_MAX,
  OPEN_EXPORTS_MAX,
  REINSTATED_SEQUENCES_MAX,
  WITHDRAWN_SEQUENCES_MAX,
} from '@d3kos/protocol';
import type { SourcePaths } from '../collect/collector.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isClockSynchronized } from '../platform/clock-synchronized.ts';
import { isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import { SOFTWARE_VERSION } from '../platform/software-version.ts';
import type { CreateExportDeps, ExportRequest } from './export-request.ts';

/**
 * Returns the next document's header. Its sequence and its lists of withdrawn, reinstated and open exports come from the ledger's
 * current state.
 */
export async function toDocumentHeader(
  deps: CreateExportDeps,
  request: ExportRequest,
  timestamp: string,
  signal: AbortSignal,
): Promise<DocumentHeader> {
  const { world, ledger } = deps;
  return {
    installation_id: request.installationId,
    export_timestamp: timestamp,
    format_version: FORMAT_VERSION,
    export_id: `exp_${world.random.hex(16)}`,
    export_type: request.type,
    tier: request.tier,
    trigger: request.trigger,
    sequence: ledger.facts.nextSequence(),
    ledger_id: ledger.facts.ledgerId,
    software_version: SOFTWARE_VERSION,
    clock: await readBoatClock(deps, signal),
    ...toWithdrawn(ledger),
    ...toReinstated(ledger),
    ...toOpenExports(ledger),
    ...toFormerLedgers(ledger),
  };
}

/**
 * Maximum number of sequences lost by central that one document withdraws, so that half of the list stays free for failed
 * exports. Central reports the remaining sequences again.
 */
const LAPSED_WITHDRAWN_MAX = WITHDRAWN_SEQUENCES_MAX / 2;

/**
 * Returns the sequences of this ledger's dead-lettered exports, and those that central has lost and that will never arrive. Their
 * ranges were rewound before this export was started. docs/spec/protocol.md R59: "A boat MUST list the exports of this ledger
 * that have failed or were cancelled in `withdrawn_sequences` of later documents, at most 200."
 */
function toWithdrawn({ queue }: Ledger): Pick<DocumentHeader, 'withdrawn_sequences'> {
  const lapsed = queue.lapsedSequences(LAPSED_WITHDRAWN_MAX);
  const failed = queue
    .list('failed', WITHDRAWN_SEQUENCES_MAX - lapsed.length)
    .map(({ sequence }) => sequence);
  // An adopted export from another ledger has sequence 0.
  const own = [...lapsed, ...failed.filter((sequence) => sequence > 0)];
  return own.length === 0 ? {} : { withdrawn_sequences: own };
}

/**
 * Returns the sequences of exports from this ledger that an earlier document may have withdrawn and that have since been retried.
 * docs/spec/protocol.md R111: "A boat MUST list the exports of this ledger that it retried after they had failed or were
 * cancelled in `reinstated_sequences` of later documents, the newest 100."
 */
function toReinstated({ queue }: Ledger): Pick<DocumentHeader, 'reinstated_sequences'> {
  const reinstated = queue.reinstatedSequences(REINSTATED_SEQUENCES_MAX);
  return reinstated.length === 0 ? {} : { reinstated_sequences: [...reinstated] };
}

/**
 * Returns this ledger's undelivered exports. docs/spec/protocol.md R72: "A boat MUST list the newest 100 waiting and failed
 * exports of this ledger in `open_exports` of later documents."
 */
function toOpenExports({ queue }: Ledger): Pick<DocumentHeader, 'open_exports'> {
  const open = queue.openExports(OPEN_EXPORTS_MAX);
  return open.length === 0 ? {} : { open_exports: [...open] };
}

/**
 * Returns the ledgers that this one replaced. docs/spec/protocol.md R104: "A boat MUST list the newest 8 ledgers that its ledger
 * replaced after a divergence, newest first, in `former_ledger_ids` of each document."
 */
function toFormerLedgers({ changes }: Ledger): Pick<DocumentHeader, 'former_ledger_ids'> {
  const former = changes.list(FORMER_LEDGERS_MAX).map(({ oldLedgerId }) => oldLedgerId);
  return former.length === 0 ? {} : { former_ledger_ids: former };
}

/** Returns the clock's state. Exports with the same boot ID were created without a restart of the boat's computer in between. */
async function readBoatClock(
  { world, sources, sourceDisk }: CreateExportDeps,
  signal: AbortSignal,
): Promise<DocumentHeader['clock']> {
  return {
    synchronized: (await isClockSynchronized(world, sources.run, signal)) === true,
    boot_id: (await readBootId(sourceDisk(signal), sources)) ?? 'unknown',
  };
}

/** Returns the kernel's ID for this boot, or undefined if it is unknown. An export does not depend on it. */
async function readBootId(disk: Pick<Disk, 'read'>, { proc }: SourcePaths): Promise<string | undefined> {
  try {
    const bytes = await disk.read(join(proc, 'sys/kernel/random/boot_id'), 256);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1').trim().slice(0, 64);
  } catch (error) {
    if (isExportError(error)) return undefined;
    throw error;
  }
}
