import type { Category } from '@d3kos/protocol';
import { toBoatlogCsv } from './boatlog-csv.ts';
import { createExport } from './create-export/create-export.ts';
import type { CreateExportDeps } from './create-export/export-request.ts';
import { describeUnread, type UnreadCategory, usesUpSlot } from './create-export/policy.ts';
import { previewExport } from './create-export/preview-export.ts';
import type {
  ExportManagerDeps,
  ExportVerbs,
  QueuedOrNothingNew,
  ScheduledResult,
} from './export-manager.ts';
import type { CategoryCount, ExportTrigger, ExportType } from './ledger/entry.ts';
import { type KnownLicense, mayExport, type Permission } from './license/policy.ts';
import { ExportError } from './platform/errors.ts';
import { createBoundedMutex, type Mutex } from './platform/mutex.ts';

/** Maximum number of previews that run or wait at the same time. Each preview reads every source. */
const PREVIEWS_WAITING_MAX = 2;
/** Maximum number of records per category in a preview. */
const PREVIEW_SAMPLES_MAX = 3;

type LicenseCheck =
  | { readonly kind: 'allowed'; readonly license: KnownLicense }
  | Extract<Permission, { readonly kind: 'refused' }>;

/** Creates the operations on exports. `exporting` allows one export at a time. */
export function createExportVerbs(deps: ExportManagerDeps, exporting: Mutex): ExportVerbs {
  const { world, ledger, signal } = deps;
  /** Previews have their own queue, so that they do not delay exports. */
  const previewing = createBoundedMutex(PREVIEWS_WAITING_MAX, 'create a preview');
  let lastCategories: Readonly<Partial<Record<Category, CategoryCount>>> = {};
  const createDeps = toCreateDeps(deps);
  const requireLicense = async (trigger: ExportTrigger): Promise<KnownLicense> => {
    const check = await checkLicense(deps, trigger);
    if (check.kind === 'allowed') return check.license;
    throw toError(check);
  };
  const make = async (
    type: ExportType,
    trigger: ExportTrigger,
    { installationId, tier }: KnownLicense,
    slotId: string | undefined,
  ): Promise<QueuedOrNothingNew> => {
    const request = { type, trigger, installationId, tier, slotId };
    const result = await untilCollected(deps, createExport(createDeps, request, signal));
    if (result.kind !== 'queued') lastCategories = result.categories;
    if (result.kind === 'unread') {
      reportUnread(deps, result.unread);
      throw toUnreadError(result.unread);
    }
    if (result.kind === 'nothing_new') {
      world.log.write('info', 'Nothing new since the last export; nothing was queued');
      return result;
    }
    const { entry } = result;
    lastCategories = entry.categories;
    reportUnread(deps, result.unread);
    world.log.write(
      'info',
      `Added to queue: ${entry.queueId} (${entry.fileSizeBytes} bytes, ${entry.categoryCount} categories, ${entry.recordCount} records)`,
    );
    deps.queueChanged();
    deps.worker.wake();
    return result;
  };
  const makeScheduled = async (): Promise<ScheduledResult> => {
    const check = await checkLicense(deps, 'scheduled');
    if (check.kind === 'refused') {
      if (check.code !== 'TIER_TOO_LOW') throw toError(check);
      return skipScheduled(deps, check.message);
    }
    const { slot: slotId, state } = await deps.findSlot(world.clock.wall());
    if (state === 'claimed') return { kind: 'already_claimed', slotId };
    if (state === 'waits_for_clock') return skipScheduled(deps, CLOCK_NOT_SET);
    // An export's commit also claims its slot, so the slot stays due if power fails before the commit.
    const result = await make('incremental', 'scheduled', check.license, slotId);
    if (result.kind === 'nothing_new') ledger.slots.claim(slotId, world.clock.wall());
    const isClaimed = result.kind === 'nothing_new' || usesUpSlot(result.unread);
    return { ...result, slotId: isClaimed ? slotId : undefined };
  };
  return {
    createExport: (type, trigger) =>
      exporting.run(async () => make(type, trigger, await requireLicense(trigger), undefined)),
    createScheduledExport: () => exporting.run(makeScheduled),
    preview: (type) =>
      previewing.run(async () => {
        const { installationId } = await requireLicense('manual');
        return previewExport(createDeps, { type, installationId }, signal, PREVIEW_SAMPLES_MAX);
      }),
    boatlogCsv: () => toBoatlogCsv(createDeps, signal),
    lastCategories: () => lastCategories,
  };
}

const CLOCK_NOT_SET =
  'The clock is not set, and a later daily export exists. The daily export waits until a time server sets the clock.';

function skipScheduled({ world }: ExportManagerDeps, reason: string): ScheduledResult {
  world.log.write('info', `Scheduled export skipped: ${reason}`);
  return { kind: 'skipped', reason };
}

/** Returns the dependencies for an export whose progress is measured and sent to pages. */
function toCreateDeps(deps: ExportManagerDeps): CreateExportDeps {
  return {
    ...deps,
    onProgress: ({ category, count }) => deps.events.emit({ kind: 'collecting', category, count }),
    onCategory: deps.measurements.recordCategory,
  };
}

/** Checks whether the licence permits an export with the given trigger. */
async function checkLicense(deps: ExportManagerDeps, trigger: ExportTrigger): Promise<LicenseCheck> {
  const license = await deps.license.current(deps.signal);
  if (license.kind === 'refused') return license;
  const permission = mayExport(license.tier, trigger);
  return permission.kind === 'refused' ? permission : { kind: 'allowed', license };
}

/** Notifies pages when collection ends, whether or not it succeeded. */
function untilCollected<T>({ events }: Pick<ExportManagerDeps, 'events'>, made: Promise<T>): Promise<T> {
  return made.finally(() => events.emit({ kind: 'collected' }));
}

/** Reports unread categories in the log and to pages. */
function reportUnread(
  { world, events }: Pick<ExportManagerDeps, 'world' | 'events'>,
  unread: readonly UnreadCategory[],
): void {
  for (const { category, detail } of unread) {
    world.log.write(
      'warn',
      `${category} could not be read: ${detail}. A later export will contain its records`,
    );
    events.emit({ kind: 'unread', category, detail });
  }
}

function toUnreadError(unread: readonly UnreadCategory[]): ExportError {
  return new ExportError('SOURCE_UNREADABLE', `Nothing was queued: ${describeUnread(unread)}`, {
    op: 'create an export',
    hint: 'Run `d3kos-export doctor`. Nothing was lost: the records are still in their sources, and a later export will contain them.',
  });
}

function toError({ code, message, hint }: Extract<Permission, { readonly kind: 'refused' }>): ExportError {
  return new ExportError(code, message, { op: 'check the licence', hint });
}
