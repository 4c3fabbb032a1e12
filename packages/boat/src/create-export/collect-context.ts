import type { Category } from '@d3kos/protocol';
import type { CollectContext } from '../collect/collector.ts';
import type { ZonePeriod } from '../collect/policy/timestamps.ts';
import type { CreateExportDeps, ExportRequest } from './export-request.ts';
import { hasUsageConsent } from './usage-consent.ts';

/** Creates the context for one collection of `category`. It reads cursors and digests from the ledger and stores nothing. */
export function toCollectContext(
  deps: CreateExportDeps,
  request: Pick<ExportRequest, 'type' | 'installationId'> & { readonly timeZones: readonly ZonePeriod[] },
  category: Category,
  signal: AbortSignal,
): CollectContext {
  const { progress, browser } = deps.ledger;
  return {
    paths: deps.sources,
    disk: deps.sourceDisk(signal),
    databases: deps.world.databases,
    clock: deps.world.clock,
    installationId: request.installationId,
    mode: request.type,
    timeZones: request.timeZones,
    cursorOf: (source) => progress.cursorOf(category, source),
    digestOf: (recordId) => progress.digestOf(category, recordId),
    addDigest: () => undefined,
    signal,
    browserDocument: (key) => browser.get(key),
    usageConsent: hasUsageConsent(deps.ledger),
  };
}
