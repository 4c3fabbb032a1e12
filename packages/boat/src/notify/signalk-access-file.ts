import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Disk } from '../platform/ports.ts';
import { readJsonFile } from '../platform/text-file.ts';

/** Maximum size of the file, in bytes. A Signal K token has about 250. */
const ACCESS_SIZE_MAX_BYTES = 16 * 1024;

/**
 * The form of the path of an access request, as the server's answer gives it. Only a path of this form is
 * requested, so that an answer cannot make the boat send requests anywhere else.
 */
export const REQUEST_PATH = '^/signalk/v1/requests/[A-Za-z0-9-]{1,100}$';

/** A token that can be sent in a header. */
export const TOKEN = '^[\\x21-\\x7e]{1,8192}$';

/**
 * `data/exports/signalk-access.json`, mode 0600: an access request that waits for the owner's approval, the token that the approval
 * gave, or the owner's denial.
 */
const AccessSchema = Type.Union([
  Type.Object({ state: Type.Literal('requested'), path: Type.String({ pattern: REQUEST_PATH }) }),
  Type.Object({ state: Type.Literal('approved'), token: Type.String({ pattern: TOKEN }) }),
  Type.Object({ state: Type.Literal('denied') }),
]);
const access = Compile(AccessSchema);

/** The state of this device's access to the Signal K server. The token is never in a log line or a message. */
export type Access = Static<typeof AccessSchema> | { readonly state: 'none' };

/**
 * Reads the access. A file that cannot be used counts as no access: the server then asks the owner once more, and nothing else
 * depends on it.
 */
export async function loadAccess(disk: Disk, path: string): Promise<Access> {
  const file = await readJsonFile(disk, path, ACCESS_SIZE_MAX_BYTES);
  return file.kind === 'value' && access.Check(file.value) ? file.value : { state: 'none' };
}

/** Writes the access durably. Only its owner may read the file. Throws DISK_…. */
export async function saveAccess(disk: Disk, path: string, value: Access): Promise<void> {
  if (value.state === 'none') await disk.remove(path);
  else await disk.replace(path, Buffer.from(`${JSON.stringify(value)}\n`));
}
