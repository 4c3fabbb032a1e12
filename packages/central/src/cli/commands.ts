import { exportInstallation } from '../data-export/export-installation.ts';
import { toSpokenCode } from '@d3kos/protocol';
import { importBundle, isWhole } from '../bundle/import-bundle.ts';
import { loadHoldings } from '../fleet/export-status.ts';
import { findInstallation } from '../fleet/installations.ts';
import { listLedgers } from '../fleet/ledgers.ts';
import { findGaps } from '../fleet/load-sequence-gaps.ts';
import { loadOverride, loadUse } from '../import/usage.ts';
import { listEvents } from '../installations/audit.ts';
import { acceptBundleKey, loadBundleKeys, requireBundleKey } from '../installations/bundle-keys.ts';
import { invite } from '../installations/codes.ts';
import {
  enable,
  enroll,
  type EnrolmentWorld,
  installationNotFound,
  revoke,
} from '../installations/enroll.ts';
import { setQuota } from '../installations/quota.ts';
import { listTokens, revokeToken } from '../installations/tokens.ts';
import type { Store } from '../platform/ports.ts';
import type { MigrationReport } from '../store/migrate.ts';
import { runAccountCommand } from './account-commands.ts';
import type { Command } from './arguments.ts';
import type { CommandResult, CommandWorld } from './command-world.ts';
import { runRetention } from './retention-commands.ts';
import {
  toBundleKeyText,
  toBundleText,
  toEventTable,
  toExportTable,
  toLedgerLine,
  toQuotaTable,
  toText,
  toTokenTable,
  toWarnings,
} from './tables.ts';

/** The commands that use the store and print one result. `list` prints its result page by page (`list-command.ts`). */
export type StoreCommand = Exclude<Command, { kind: 'serve' | 'help' | 'conformance' | 'list' }>;

async function runMigrate(
  { distribute }: CommandWorld,
  report: MigrationReport,
  distributes: boolean,
): Promise<CommandResult> {
  const migrated =
    report.applied.length === 0 ? 'the schema is up to date' : `applied ${report.applied.join(', ')}`;
  if (!distributes) return { json: report, text: migrated };
  const placed = await distribute();
  const counts = `distributed ${placed.distributed.length} tables, copied ${placed.reference.length} tables to every node, ${placed.present.length} were already placed`;
  return { json: { ...report, distribution: placed }, text: `${migrated}\n${counts}` };
}

/** Runs one command. Throws CentralFailure. */
export async function runCommand(world: CommandWorld, command: StoreCommand): Promise<CommandResult> {
  const report = await world.migrate();
  switch (command.kind) {
    case 'migrate':
      return runMigrate(world, report, command.distributes);
    case 'enroll':
    case 'invite':
    case 'enable':
      return runEnrolment({ ...world, wallMs: world.wall() }, command);
    case 'account_add':
    case 'account_list':
    case 'account_password':
    case 'account_remove':
    case 'account_role':
      return runAccountCommand(world, command);
    case 'revoke':
      return runRevoke({ ...world, wallMs: world.wall() }, command);
    case 'tokens': {
      const tokens = await listTokens(world.store, command.installationId);
      return {
        json: { installation_id: command.installationId, tokens },
        text: toTokenTable(tokens, world.wall()),
      };
    }
    case 'prune':
    case 'erase':
      return runRetention(world, command);
    case 'quota':
      return runQuota(world, command);
    case 'audit': {
      const events = await listEvents(world.store, command.installationId);
      return { json: { events }, text: toEventTable(events) };
    }
    case 'bundle_key':
      return runBundleKey(world, command);
    case 'import_bundle': {
      const bundleReport = await importBundle(world, command.file, command.accepts);
      return {
        json: bundleReport,
        text: toBundleText(bundleReport),
        exitCode: isWhole(bundleReport) ? 0 : 1,
      };
    }
    case 'export': {
      const directory = await world.openNewDirectory(command.directory);
      const exported = await exportInstallation(
        { store: world.store, wallMs: world.wall() },
        command.installationId,
        command.format,
        directory,
      );
      return { json: exported, text: toExportTable(exported) };
    }
    case 'show':
      return showInstallation(world, command.installationId);
  }
}

async function runBundleKey(
  world: CommandWorld,
  { installationId, accept }: Extract<Command, { kind: 'bundle_key' }>,
): Promise<CommandResult> {
  const keys =
    accept === undefined
      ? await loadBundleKeys(world.store, installationId)
      : await acceptBundleKey({ ...world, wallMs: world.wall() }, installationId, accept);
  return { json: keys, text: toBundleKeyText(keys) };
}

async function runQuota(
  world: CommandWorld,
  { installationId, change }: Extract<Command, { kind: 'quota' }>,
): Promise<CommandResult> {
  await setQuota({ ...world, wallMs: world.wall() }, installationId, change);
  const used = await loadUse(world.store, installationId, world.wall());
  const own = await loadOverride(world.store, installationId);
  return {
    json: { installation_id: installationId, used_today: used, own_limits: own },
    text: toQuotaTable(used, own),
  };
}

/** Runs a command about a boat's access. */
async function runEnrolment(
  world: EnrolmentWorld,
  command: Extract<Command, { kind: 'enroll' | 'invite' | 'enable' }>,
): Promise<CommandResult> {
  const { installationId } = command;
  switch (command.kind) {
    case 'enroll': {
      const { key } = command;
      if (key !== undefined) requireBundleKey(key);
      const enrolled = await enroll(world, command);
      if (key !== undefined) await acceptBundleKey(world, installationId, key);
      return {
        json: enrolled,
        text: `${enrolled.token}\n\nThis is the device token ${enrolled.token_id} of ${enrolled.installation_id}; it is not shown again. On the boat:\n  {"token": "${enrolled.token}"} in $ROOT/config/export-credentials.json, mode 0600`,
      };
    }
    case 'invite': {
      const invited = await invite(world, command);
      const code = toSpokenCode(invited.code);
      return {
        json: invited,
        text: `${code}\n\nThis code enrols ${installationId} once, until ${invited.expires_at}; it is not shown again. On the boat:\n  sudo d3kos-export enroll ${code}`,
      };
    }
    case 'enable':
      return {
        json: await enable(world, installationId),
        text: `${installationId} is enabled`,
      };
  }
}

async function runRevoke(
  world: { readonly store: Store; readonly wallMs: number },
  command: Extract<Command, { kind: 'revoke' }>,
): Promise<CommandResult> {
  if (command.what === 'token') {
    const { token_id, installation_id } = await revokeToken(world, command.installationId, command.tokenId);
    return {
      json: { installation_id, token_id },
      text: `token ${token_id} of ${installation_id} is revoked`,
    };
  }
  const revoked = await revoke(world, command.installationId, command.what);
  const code = revoked.codes_revoked === 0 ? '' : ', and its enrolment code is no longer valid';
  return {
    json: revoked,
    text: revoked.disabled
      ? `${revoked.installation_id} is disabled until \`d3kos-central enable\``
      : `${revoked.tokens_revoked} tokens of ${revoked.installation_id} are revoked${code}`,
  };
}

async function showInstallation(
  { store, wall }: CommandWorld,
  installationId: string,
): Promise<CommandResult> {
  const summary = await findInstallation(store, installationId, new Date(wall()).toISOString());
  if (summary === undefined) throw installationNotFound(installationId);
  const holdings = await loadHoldings(store, installationId);
  const gaps = await findGaps(store, installationId);
  const ledgers = await listLedgers(store, installationId);
  const facts = Object.entries(summary).map(([name, value]) => `${name.padEnd(22)} ${String(value ?? '-')}`);
  const held = holdings.map(
    ({ category, records }) => `  ${category.padEnd(24)} ${String(records).padStart(10)}`,
  );
  const listed = (sequences: readonly number[]) => (sequences.length === 0 ? '-' : sequences.join(' '));
  return {
    json: { ...summary, categories: holdings, ...gaps, ledgers },
    text: toText([
      ...toWarnings(summary),
      ...facts,
      `missing_sequences      ${listed(gaps.missing_sequences)}`,
      `withdrawn_sequences    ${listed(gaps.withdrawn_sequences)}`,
      'ledgers, newest first',
      ...ledgers.map(toLedgerLine),
      'records held',
      ...held,
    ]),
  };
}
