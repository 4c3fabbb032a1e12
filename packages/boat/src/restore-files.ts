import { join } from 'node:path';
import type { Config } from './config.ts';
import { loadCredentials, toCredentialsPaths } from './deliver/credentials.ts';
import { createLicense } from './license/license.ts';
import { permitSending } from './license/policy.ts';
import { ExportError } from './platform/errors.ts';
import { isOwnDirectory } from './platform/file-mode.ts';
import type { World } from './platform/ports.ts';
import { fetchConfiguration } from './restore/fetch-configuration.ts';
import type { NewerFiles } from './restore/policy.ts';
import { planRestore, type RestorePlan, writeRestore } from './restore/restore.ts';

/**
 * The command's options: whether to show the plan or carry it out, and what to do with files that are newer than central's
 * record.
 */
export interface RestoreRequest {
  readonly mode: 'show' | 'write';
  readonly newer: NewerFiles;
}

/**
 * Restores the boat's settings from central, or shows what would be written. Does not use the export manager, because its systemd
 * unit is not allowed to write to `config/`. Throws CONFIG_INVALID if central's URL is not set, LICENSE_…, CREDENTIALS_MISSING,
 * CREDENTIALS_INVALID, CENTRAL_UNREACHABLE, CENTRAL_REFUSED, and disk errors. If it throws, every file that it has already
 * written is complete.
 */
export async function restoreFiles(
  world: World,
  config: Config,
  { mode, newer }: RestoreRequest,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const { centralUrl, root } = config;
  if (centralUrl === undefined)
    throw new ExportError('CONFIG_INVALID', "Central's URL is not set", {
      op: 'restore settings',
      hint: 'Set CENTRAL_API_URL, or "central_api_url" in config/export.json.',
    });
  if (mode === 'write') await requireOwner(join(root, 'config'));
  const installationId = await requireInstallation(world, config, signal);
  const token = await requireToken(world, root);
  const stored = await fetchConfiguration(world.transport, { centralUrl, token, installationId }, signal);
  const plan = await planRestore(world.disk, root, stored, {
    newer,
    nowMs: world.clock.wall(),
  });
  if (mode === 'write') await writeRestore(world.disk, root, plan);
  return plan;
}

/** Throws unless the folder belongs to this user. If root wrote the files, the boat's programs could no longer change them. */
async function requireOwner(directory: string): Promise<void> {
  if (await isOwnDirectory(directory)) return;
  throw new ExportError('REQUEST_FORBIDDEN', `${directory} belongs to another user`, {
    op: `write to ${directory}`,
    hint: 'Run the command as the user that owns the folder: sudo -u d3kos d3kos-export restore --write.',
  });
}

async function requireInstallation(world: World, config: Config, signal: AbortSignal): Promise<string> {
  const license = permitSending(
    await createLicense(world, {
      licensePath: join(config.root, 'config', 'license.json'),
      tierApiUrl: config.tierApiUrl,
    }).current(signal),
  );
  if (license.kind === 'known') return license.installationId;
  throw new ExportError(license.code, license.message, { op: 'restore settings', hint: license.hint });
}

async function requireToken({ disk }: World, root: string): Promise<string> {
  const credentials = await loadCredentials(disk, toCredentialsPaths(root));
  if (credentials.kind === 'token') return credentials.token;
  throw new ExportError(credentials.code, credentials.detail, {
    op: 'read the device token',
    hint: 'Enrol the boat again: d3kos-export enroll CODE, with a code from the operator of central.',
  });
}
