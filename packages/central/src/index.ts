export { DEFAULT_IMPORT_LIMITS, type ImportLimits } from './admission/policy.ts';
export type { ExportStatus, SequenceGaps } from './api/schemas.ts';
export { type BundleReport, importBundle, type ImportBundleDeps } from './bundle/import-bundle.ts';
export { type OpenStore, openStore, type RunningCentral, startCentral } from './compose.ts';
export { type Config, parseConfig, type StoreConfig } from './config.ts';
export { loadConfiguration } from './fleet/configuration.ts';
export { type CategoryHolding, loadHoldings, loadExportStatus } from './fleet/export-status.ts';
export { findInstallation, type InstallationSummary, listInstallations } from './fleet/installations.ts';
export { findGaps } from './fleet/load-sequence-gaps.ts';
export { type App, createApp } from './http/app.ts';
export type { AppDeps } from './http/context.ts';
export { type Enrolled, type Enrolment, enroll, revoke } from './installations/enroll.ts';
export { acceptBundleKey } from './installations/bundle-keys.ts';
export { createInlinePreparer, type Preparer } from './import/preparer.ts';
export { createPasswordHasher } from './operators/passwords.ts';
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
