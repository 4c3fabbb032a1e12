import { importBundle, isWhole, type BundleReport } from '../bundle/import-bundle.ts';
import { countRecords } from '../fleet/export-status.ts';
import { findInstallation, type InstallationSummary, listInstallations } from '../fleet/installations.ts';
import { findGaps } from '../fleet/load-sequence-gaps.ts';
import { enroll, installationNotFound, revoke } from '../installations/enroll.ts';
import type { OpenFile, RandomHex, Store, WallClock } from '../platform/ports.ts';
import type { MigrationReport } from '../store/migrate.ts';
import type { Command } from './arguments.ts';

/** The result of a command, as documented JSON and as text. */
export interface CommandResult {
  readonly json: unknown;
  readonly text: string;
  /** The exit code of the program; undefined: 0. */
  readonly exitCode?: number;
}

/** The ports that commands need. */
export interface CommandWorld {
  readonly store: Store;
  /** Brings the schema up to date. */
  readonly migrate: () => Promise<MigrationReport>;
  readonly wall: WallClock;
  readonly randomHex: RandomHex;
  readonly openFile: OpenFile;
  /** Largest part a bundle may carry. */
  readonly bodySizeMaxBytes: number;
}

/** Commands that use the store and end. */
export type StoreCommand = Exclude<Command, { kind: 'serve' } | { kind: 'help' }>;

/** Runs one command. Throws CentralFailure. */
export async function runCommand(world: CommandWorld, command: StoreCommand): Promise<CommandResult> {
  const report = await world.migrate();
  switch (command.kind) {
    case 'migrate':
      return {
        json: report,
        text:
          report.applied.length === 0 ? 'the schema is up to date' : `applied ${report.applied.join(', ')}`,
      };
    case 'enroll': {
      const enrolled = await enroll({ ...world, wallMs: world.wall() }, command);
      return {
        json: enrolled,
        text: `${enrolled.token}\n\nThis is the device token of ${enrolled.installation_id}; it is not shown again. On the boat:\n  {"token": "${enrolled.token}"} in $ROOT/config/export-credentials.json, mode 0600`,
      };
    }
    case 'revoke': {
      const revoked = await revoke({ ...world, wallMs: world.wall() }, command.installationId, command.what);
      return {
        json: revoked,
        text: revoked.disabled
          ? `${revoked.installation_id} is disabled until it is enrolled again`
          : `${revoked.tokens_revoked} tokens of ${revoked.installation_id} are revoked`,
      };
    }
    case 'list': {
      const installations = await listInstallations(world.store);
      return { json: { installations }, text: toTable(installations) };
    }
    case 'import_bundle': {
      const bundleReport = await importBundle(world, command.file);
      return {
        json: bundleReport,
        text: toBundleText(bundleReport),
        exitCode: isWhole(bundleReport) ? 0 : 1,
      };
    }
    case 'show':
      return showInstallation(world.store, command.installationId);
  }
}

async function showInstallation(store: Store, installationId: string): Promise<CommandResult> {
  const summary = await findInstallation(store, installationId);
  if (summary === undefined) throw installationNotFound(installationId);
  const holdings = await countRecords(store, installationId);
  const gaps = await findGaps(store, installationId);
  const facts = Object.entries(summary).map(([name, value]) => `${name.padEnd(22)} ${String(value ?? '-')}`);
  const held = holdings.map(
    ({ category, records }) => `  ${category.padEnd(24)} ${String(records).padStart(10)}`,
  );
  const listed = (sequences: readonly number[]) => (sequences.length === 0 ? '-' : sequences.join(' '));
  return {
    json: { ...summary, categories: holdings, ...gaps },
    text: toText([
      ...facts,
      `missing_sequences      ${listed(gaps.missing_sequences)}`,
      `withdrawn_sequences    ${listed(gaps.withdrawn_sequences)}`,
      'records held',
      ...held,
    ]),
  };
}

function toTable(installations: readonly InstallationSummary[]): string {
  if (installations.length === 0) return 'no installation is enrolled yet';
  const rows = installations.map((boat) =>
    [
      boat.installation_id,
      String(boat.tier ?? '-').padEnd(4),
      (boat.disabled ? 'disabled' : `${boat.live_tokens} tokens`).padEnd(10),
      (boat.last_heard_at ?? 'never').padEnd(24),
      String(boat.records).padStart(10),
    ].join('  '),
  );
  return [
    `${'installation'.padEnd(16)}  tier  ${'state'.padEnd(10)}  ${'last heard'.padEnd(24)}  ${'records'.padStart(10)}`,
    ...rows,
  ].join('\n');
}

function toBundleText(report: BundleReport): string {
  const records = Object.values(report.records_imported).reduce((sum, count) => sum + count, 0);
  const faults = [
    ...report.refused.map(({ key, reason }) => `  refused ${key}: ${reason}`),
    ...report.damaged.map(
      ({ offset, key, reason }) => `  damaged at byte ${offset}${key === null ? '' : ` (${key})`}: ${reason}`,
    ),
    ...report.skipped.map(({ queue_id, reason }) => `  skipped on board ${queue_id}: ${reason}`),
  ];
  return toText([
    `bundle of ${report.installation_id ?? 'an unknown installation'}, written ${report.created ?? 'at an unknown time'}`,
    `${report.parts} intact parts: ${report.stored} stored (${records} records, ${report.rejected_records} rejected), ${report.repeated} already held, ${report.refused_count} refused`,
    ...(report.damaged_count === 0
      ? []
      : [`${report.damaged_count} damaged places; the boat sends undelivered parts again`]),
    ...faults,
  ]);
}

/**
 * Joins lines for a terminal. Control characters from a boat or a bundle are replaced, so they can neither control the terminal
 * nor begin a line.
 */
function toText(lines: readonly string[]): string {
  return lines.map((line) => line.replace(/\p{Cc}+/gu, '\ufffd')).join('\n');
}
