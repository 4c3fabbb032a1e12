/** The parts of the export manager used by the simulator, scripts and tests. */
export { type Boat, startBoat } from './boat.ts';
export { BUFFERED_DIGESTS_MAX } from './create-export/collect-categories.ts';
export type { CollectContext, Collector, SourcePaths } from './collect/collector.ts';
export { createCollectors } from './collect/collectors.ts';
export { createWorld } from './compose.ts';
export { type Config, parseConfig } from './config.ts';
export type { ExportManager } from './export-manager.ts';
export * from './platform/errors.ts';
export * from './platform/ports.ts';
export { toSpoolPaths } from './spool/spool-paths.ts';
