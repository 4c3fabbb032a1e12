import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Disk } from '../platform/ports.ts';
import { readJsonFile } from '../platform/text-file.ts';

/** Maximum size of the file, in bytes. A Signal K token has about 250 bytes. */
const ACCESS_SIZE_MAX_BYTES = 16 * 1024;

/**
 * Format of an access request's path, which the server returns. Paths in any other format are rejected, so that an answer cannot
 * make the boat send requests elsewhere.
 */
export const REQUEST_PATH = '^/signalk/v1/requests/[A-Za-z0-9-]{1,100}$';

/** A token that can be sent in a header. */
export const TOKEN = '^[\\x21-\\x7e]{1,8192}$';

/**
 * The content of `data/exports/signalk-access.json` (mode 0600): a pending access request, the token from an approved one, or the
 * owner's denial.
 */
const AccessSchema = Type.Union([
  Type.Object({ state: Type.Literal('requested'), path: Type.String({ pattern: REQUEST_PATH }) }),
  Type.Object({ state: Type.Literal('approved'), token: Type.String({ pattern: TOKEN }) }),
  Type.Object({ state: Type.Literal('denied') }),
]);
const access = Compile(AccessSchema);

/** State of the boat's access to the Signal K server. The token never appears in a log line or a message. */
export type Access = Static<typeof AccessSchema> | { readonly state: 'none' };

/** Reads the access. An unusable file counts as no access. The only consequence is that the owner is asked once more. */
export async function loadAccess(disk: Disk, path: string): Promise<Access> {
  const file = await readJsonFile(disk, path, ACCESS_SIZE_MAX_BYTES);
  return file.kind === 'value' && access.Check(file.value) ? file.value : { state: 'none' };
}

/** Writes the access durably. Only the export manager's own user account can read it. Throws DISK_…. */
export async function saveAccess(disk: Disk, path: string, value: Access): Promise<void> {
  if (value.state === 'none') await disk.remove(path);
  else await disk.replace(path, Buffer.from(`${JSON.stringify(value)}\n`));
}
