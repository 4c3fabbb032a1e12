import { join } from 'node:path';
import { toBundleKeyPath } from '../bundle/bundle-key.ts';
import { toCredentialsPaths } from '../deliver/credentials.ts';
import { parseForeignJson } from '../platform/lenient-json.ts';
import type { ConfigWorld } from './show-config.ts';

/** Minimum length of a string that is removed as a secret. Shorter strings also occur inside ordinary words. */
const SECRET_LENGTH_MIN = 8;

/** A lowercase word, such as the state `approved`. A token of this form would be too weak to be accepted. */
const WORD = /^[a-z]{1,15}$/;

/** The secrets that are removed from all diagnostics before they leave the boat. */
export interface KnownSecrets {
  /** Every form in which a message could contain each secret, longest first. */
  readonly texts: readonly string[];
  /** Existing files with secrets that cannot be read. If there are any, `texts` is incomplete. */
  readonly unreadable: readonly string[];
}

/**
 * Reads the secrets below the boat's root and those in the webhook's URL. Every string in a file with a secret counts as a
 * secret, and so does every word of a damaged one. If a file cannot be read, lists it in `unreadable` instead of rejecting.
 */
export async function findSecrets(
  { readFile }: Pick<ConfigWorld, 'readFile'>,
  root: string,
  webhookUrl: string | undefined,
): Promise<KnownSecrets> {
  const found: string[] = [];
  const unreadable: string[] = [];
  for (const path of listSecretFiles(root))
    try {
      found.push(...toSecrets((await readFile(path)) ?? ''));
    } catch {
      // The error is not shown, because the file contains a secret. The caller must not use strings that could contain the
      // secret.
      unreadable.push(path);
    }
  if (webhookUrl !== undefined) found.push(...toUrlSecrets(webhookUrl));
  const texts = new Set(found.filter(isLikeSecret).flatMap(toForms));
  return { texts: [...texts].toSorted((a, b) => b.length - a.length), unreadable };
}

/** Removes every secret from a string. The string must be complete, because the rest of a truncated secret would remain. */
export function hideSecrets(text: string, { texts }: KnownSecrets): string {
  return texts.reduce((rest, secret) => rest.replaceAll(secret, '[hidden]'), text);
}

function listSecretFiles(root: string): readonly string[] {
  const exports = join(root, 'data', 'exports');
  return [
    ...toCredentialsPaths(root),
    join(exports, 'export-credentials.pending.json'),
    join(exports, 'signalk-access.json'),
    toBundleKeyPath(root),
  ];
}

/** Returns the strings in a JSON file, or the words of any other file. Keys are not secret. */
function toSecrets(text: string): readonly string[] {
  const parsed = parseForeignJson(text);
  return parsed.kind === 'value' ? listStrings(parsed.value) : text.split(/[\s"',:{}[\]]+/);
}

function listStrings(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(listStrings);
}

/** Many services accept any request that contains their webhook's secret path or parameter. */
function toUrlSecrets(url: string): readonly string[] {
  const { href, pathname, search, searchParams, username, password } = new URL(url);
  const raw = search.slice(1).split(/[&=]/);
  return [url, href, `${pathname}${search}`, pathname, ...raw, ...searchParams.values(), username, password];
}

function isLikeSecret(text: string): boolean {
  return text.length >= SECRET_LENGTH_MIN && !WORD.test(text);
}

/** Returns a secret both unchanged and as encoded in JSON and in URLs. */
function toForms(secret: string): readonly string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())];
}
