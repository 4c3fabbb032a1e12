export { type BundleReport, importBundle, type ImportBundleDeps } from './bundle/import-bundle.ts';
export { type OpenStore, openStore, type RunningCentral, startCentral } from './compose.ts';
export { type Config, parseConfig, type StoreConfig } from './config.ts';
export {
  type CategoryHolding,
  countRecords,
  type ExportStatus,
  findGaps,
  findInstallation,
  type InstallationSummary,
  listInstallations,
  loadConfiguration,
  loadExportStatus,
} from './fleet/fleet.ts';
export { type App, createApp } from './http/app.ts';
export { type AppDeps, type AppLimits, DEFAULT_LIMITS } from './http/context.ts';
export { type Enrolled, type Enrolment, enroll, revoke } from './installations/enroll.ts';
export {
  borrowEmbeddedPostgres,
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from './platform/embedded-postgres.ts';
export { CentralFailure, type CentralFailureCode, isCentralFailure } from './platform/errors.ts';
export { type Listener, listen } from './platform/listen.ts';
export { openReadableFile } from './platform/readable-file.ts';
export { createLineLog, SILENT_LOG } from './platform/log.ts';
export { openPgStore, type PgAddress } from './platform/pg-store.ts';
export { toPgliteStore } from './platform/pglite-store.ts';
export type { Log, LogLevel, Queryable, RandomHex, Row, Store, WallClock } from './platform/ports.ts';
export { systemRandomHex, systemWall } from './platform/world.ts';
export { type MigrationReport, migrate } from './store/migrate.ts';
export { recordTable } from './store/record-tables.ts';
