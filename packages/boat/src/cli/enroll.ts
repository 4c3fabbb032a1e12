import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import { readJsonFile } from '../platform/text-file.ts';
import type { Api } from './api.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';

/** Maximum size of license.json, in bytes. A real file is smaller than 1 KB. */
const LICENSE_SIZE_MAX_BYTES = 64 * 1024;

const licenseShape = Compile(Type.Record(Type.String(), Type.Unknown()));

/**
 * Runs `d3kos-export enroll CODE`. With `replace`, the command itself replaces the installation ID in license.json with the
 * code's ID, because the export manager is not allowed to write to that file. It writes the file as the user who runs it. If the
 * command fails or is interrupted by a power cut, it can be repeated. Throws the export manager's errors, LICENSE_INVALID,
 * LICENSE_MISSING, DISK_….
 */
export async function runEnroll(
  world: {
    readonly api: Api;
    readonly output: Output;
    readonly disk: Disk;
    readonly replaceShared: (path: string, bytes: Uint8Array) => Promise<void>;
  },
  licensePath: string,
  { code, identity }: { readonly code: string; readonly identity: 'keep' | 'replace' },
): Promise<ExitCode> {
  const { api, output } = world;
  const body = { code, replace_id: identity === 'replace' };
  let { raw, value } = await api.call('enroll', { body });
  let former: string | undefined;
  if (!value.enrolled) {
    former = await replaceInstallationId(world, licensePath, value.installation_id);
    ({ raw, value } = await api.call('enroll', { body }));
  }
  if (!value.enrolled)
    throw new ExportError('LICENSE_INVALID', 'The boat still has its former installation ID', {
      op: 'enrol at central',
      hint: `Check "installation_id" in ${licensePath}, and enter the same code again.`,
    });
  output.result(raw, [
    `✓ Enrolled at central as installation ${value.installation_id} (token ${value.token_id}${value.expires_at === null ? '' : `, expires ${value.expires_at}`})`,
    ...(former === undefined
      ? []
      : [
          `  Its installation ID was ${former}. Restart the boat so that every service uses the new one.`,
          '  Exports created under the former ID are not sent; the next export contains their records.',
        ]),
  ]);
  return EXIT.done;
}

/** Replaces the installation ID in license.json and keeps everything else. Returns the former ID. */
async function replaceInstallationId(
  world: {
    readonly disk: Disk;
    readonly replaceShared: (path: string, bytes: Uint8Array) => Promise<void>;
  },
  path: string,
  installationId: string,
): Promise<string> {
  const op = `replace the installation ID in ${path}`;
  const file = await readJsonFile(world.disk, path, LICENSE_SIZE_MAX_BYTES);
  if (file.kind === 'missing')
    throw new ExportError('LICENSE_MISSING', `${path} does not exist`, {
      op,
      hint: 'Complete the first boot of d3kOS, which creates this file, and enter the same code again.',
    });
  if (file.kind !== 'value' || !licenseShape.Check(file.value))
    throw new ExportError('LICENSE_INVALID', `${path} cannot be read as a JSON object`, {
      op,
      hint: 'Run the command with sudo, or correct the file, and enter the same code again.',
    });
  const text = JSON.stringify({ ...file.value, installation_id: installationId }, null, 2);
  await world.replaceShared(path, Buffer.from(`${text}\n`));
  const former = file.value['installation_id'];
  return typeof former === 'string' && former !== '' ? former : 'not set';
}
