import type { Category, CategoryState, Tier } from '@d3kos/protocol';
import type { Collector, SourcePaths } from '../collect/collector.ts';
import type { ExportTrigger, ExportType } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { World } from '../platform/ports.ts';
import type { SourceDisk } from '../platform/source-disk.ts';
import type { Retention } from '../retain/retention.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';

export interface ExportRequest {
  readonly type: ExportType;
  readonly trigger: ExportTrigger;
  readonly installationId: string;
  readonly tier: Tier;
  /** The daily slot for which this export is created. The export's commit claims the slot if every category was read. */
  readonly slotId: string | undefined;
}

/** The dependencies for creating and previewing exports. */
export interface CreateExportDeps {
  readonly world: World;
  readonly ledger: Ledger;
  readonly retention: Retention;
  readonly collectors: readonly Collector[];
  readonly sources: SourcePaths;
  /** The disk as collectors see it. If an operation does not finish in time, its category fails. */
  readonly sourceDisk: SourceDisk;
  readonly paths: SpoolPaths;
  readonly onProgress: (progress: { readonly category: Category; readonly count: number }) => void;
  /** Called once for each category after it has been read. */
  readonly onCategory?: (read: {
    readonly category: Category;
    readonly state: CategoryState;
    readonly count: number;
    readonly durationMs: number;
  }) => void;
}
