import { loadCredentials } from './deliver/credentials.ts';
import type { ExportManager, ExportManagerDeps, ExportVerbs, Status } from './export-manager.ts';
import { mayExport } from './license/policy.ts';
import { toReserveBytes } from './retain/policy.ts';
import { toDueSlot } from './schedule/policy.ts';

/** Creates the status query. Each call queries the licence, the ledger, the worker and the disk. */
export function createStatusReport(
  deps: ExportManagerDeps,
  lastCategories: ExportVerbs['lastCategories'],
): ExportManager['status'] {
  const { world, config, ledger, worker } = deps;
  return async () => {
    const license = await deps.license.current(deps.signal);
    const space = await world.disk.space(deps.paths.home);
    const files = (await world.disk.list(deps.paths.exports)) ?? [];
    const lastExport = ledger.queue.newest();
    const categories = lastCategories();
    return {
      tier: license.tier,
      canExport: license.kind === 'known' && mayExport(license.tier, 'manual').kind === 'allowed',
      license,
      counts: ledger.queue.counts(),
      waitingBytes: ledger.queue.waitingBytes(),
      destination: worker.destination(),
      dataBudget: {
        hold: worker.sendHold(),
        monthBytes: ledger.queue.monthBytes(world.clock.wall()),
        monthBytesMax: config.monthlyBudgetBytes,
        sentBytes: ledger.queue.sentBytes(),
      },
      ledger: { ledgerId: ledger.facts.ledgerId, change: ledger.changes.list(1)[0] },
      lacking: await findLacking(deps),
      lastExport,
      oldestWaiting: ledger.queue.page('pending', 0, 1)[0],
      lossCount: ledger.queue.losses().length,
      lastDelivery: ledger.queue.history(1)[0],
      schedule: {
        dailyHour: config.dailyHour,
        timeZone: await deps.timeZone(),
        owedSlot: toDueSlot(await deps.findSlot(world.clock.wall())),
      },
      storage: {
        ...space,
        exportsBytes: files.reduce((sum, file) => sum + (file.kind === 'file' ? file.sizeBytes : 0), 0),
        reserveBytes: toReserveBytes(space.totalBytes, config.reserveBytes),
        medium: await world.storageMedium?.(deps.paths.home),
      },
      delivered: ledger.queue.deliveredTotals(),
      missing: ledger.queue.missingTotals(),
      categories: Object.keys(categories).length > 0 ? categories : (lastExport?.categories ?? {}),
    };
  };
}

/**
 * Returns what is missing before the boat can send any export. The worker detects this only when it has an export to send, but
 * owners should enrol a new boat before its first export.
 */
async function findLacking({
  config,
  credentialsPaths,
  world,
}: ExportManagerDeps): Promise<Status['lacking']> {
  if (config.centralUrl === undefined) return { cause: 'no_address', detail: 'CENTRAL_API_URL is not set' };
  const credentials = await loadCredentials(world.disk, credentialsPaths);
  if (credentials.kind === 'token') return undefined;
  const { code, detail } = credentials;
  return { cause: code === 'CREDENTIALS_MISSING' ? 'no_token' : 'token_file', detail };
}
