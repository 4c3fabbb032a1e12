import { join } from 'node:path';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Disk } from '../platform/ports.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { type JsonFile, readJsonFile, toReadFailure } from '../platform/text-file.ts';

/** Maximum size of the credentials file, in bytes: room for one token and an operator's notes. */
const CREDENTIALS_SIZE_MAX_BYTES = 16 * 1024;

/**
 * The group's and other users' permission bits. Anyone who can change the token could redirect every export to another account.
 */
const OTHERS = 0o077;

/** A file with the device token, mode 0600. The token is printable ASCII without spaces, because it is sent in a header. */
const CredentialsSchema = Type.Object({
  token: Type.String({ pattern: '^[\\x21-\\x7e]{16,512}$' }),
});
const credentials = Compile(CredentialsSchema);

/** The device token, or the reason why there is none. The token never appears in a log line or a message. */
export type Credentials =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'none';
      readonly code: 'CREDENTIALS_MISSING' | 'CREDENTIALS_INVALID';
      readonly detail: string;
    };

/**
 * Returns the files that may contain the device token, in order of precedence: the one that `d3kos-export enroll` writes, then
 * the one that a person writes. The daemon is not allowed to write to `config/` (decision 0038).
 */
export function toCredentialsPaths(root: string): readonly string[] {
  return [toSpoolPaths(root).credentials, join(root, 'config', 'export-credentials.json')];
}

/**
 * Reads the device token from the first file that exists. The file is read at every call, so that enrolment needs no restart. An
 * unreadable file is reported as unreadable, not as a missing token. A token that other users can read or write is not used.
 */
export async function loadCredentials(disk: Disk, paths: readonly string[]): Promise<Credentials> {
  for (const path of paths) {
    const found = await loadFrom(disk, path);
    if (found !== undefined) return found;
  }
  return {
    kind: 'none',
    code: 'CREDENTIALS_MISSING',
    detail: 'This boat has no device token: enrol it at central',
  };
}

/** Reads the token from one file. Returns undefined if the file does not exist. */
async function loadFrom(disk: Disk, path: string): Promise<Credentials | undefined> {
  const none = (code: 'CREDENTIALS_INVALID', detail: string): Credentials => ({ kind: 'none', code, detail });
  const reading = await readPrivately(disk, path);
  if (reading.kind === 'exposed')
    return none(
      'CREDENTIALS_INVALID',
      `Other users of this computer can read or change ${path} (mode ${reading.mode}), so the device token is not used: run chmod 600 ${path}`,
    );
  const { file } = reading;
  switch (file.kind) {
    case 'missing':
      return undefined;
    case 'empty':
      return none('CREDENTIALS_INVALID', `${path} is empty`);
    case 'unreadable':
    case 'too_large':
    case 'odd':
      // The reason must not quote the file, because that could reveal the token.
      return none('CREDENTIALS_INVALID', `${path} ${file.reason}`);
    case 'value':
      return toCredentials(file.value) ?? none('CREDENTIALS_INVALID', `${path} has no usable "token"`);
    default:
      return file satisfies never;
  }
}

/** Reads the file unless other users have any permissions on it. `mode` has four octal digits. */
async function readPrivately(
  disk: Disk,
  path: string,
): Promise<
  { readonly kind: 'read'; readonly file: JsonFile } | { readonly kind: 'exposed'; readonly mode: string }
> {
  try {
    const permissions = (await disk.stat(path, 'follow'))?.permissions ?? 0;
    if ((permissions & OTHERS) !== 0)
      return { kind: 'exposed', mode: permissions.toString(8).padStart(4, '0') };
  } catch (error) {
    return { kind: 'read', file: toReadFailure(error) };
  }
  return { kind: 'read', file: await readJsonFile(disk, path, CREDENTIALS_SIZE_MAX_BYTES) };
}

/** Returns the token from a credentials file's parsed content, or undefined if it has none. */
export function toCredentials(value: unknown): Extract<Credentials, { kind: 'token' }> | undefined {
  return credentials.Check(value) ? { kind: 'token', token: value.token } : undefined;
}

/** Returns a string that changes whenever the credentials change. It contains the token, so it must never be stored or logged. */
export function toFingerprint(credentials: Credentials): string {
  return credentials.kind === 'token'
    ? `token ${credentials.token}`
    : `${credentials.code} ${credentials.detail}`;
}
