import { isExactNumber } from '@d3kos/protocol';
import { parseForeignJson } from '../platform/lenient-json.ts';
import type { BrowserKey } from './browser-key.ts';
import { isCredentialName, TEXT_LENGTH_MAX, toOwnText } from './redact.ts';

/** The owner's logs. Their strings are exported unchanged, like those from the databases. */
const LOGS: ReadonlySet<string> = new Set<BrowserKey>(['d3kos-boatlog-entries', 'd3kos-trips']);

/**
 * Removes credentials from a localStorage value, so that the ledger does not contain them: members named like a credential and,
 * except in the logs, credentials within strings. Exports are not affected, because they never contain credentials. A value
 * without credentials is returned unchanged. Applying it again changes nothing.
 */
export function withoutCredentials(key: string, text: string): string {
  const parsed = parseForeignJson(text);
  if (parsed.kind !== 'value') return withoutCredentialTexts(text);
  const clean = removeCredentials(parsed.value, LOGS.has(key) ? (one) => one : withoutCredentialTexts);
  return clean === parsed.value ? text : JSON.stringify(clean);
}

/** Returns the same value if nothing is removed. The reader limits the nesting depth. */
function removeCredentials(value: unknown, toClean: (text: string) => string): unknown {
  if (typeof value === 'string') return toClean(value);
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return value;
  if (Array.isArray(value)) {
    const elements: readonly unknown[] = value;
    const clean = elements.map((element) => removeCredentials(element, toClean));
    return clean.every((element, index) => element === elements[index]) ? value : clean;
  }
  const members = Object.entries(value);
  const clean = members.flatMap(([name, member]) =>
    isCredentialName(name) ? [] : [[name, removeCredentials(member, toClean)] as const],
  );
  const isSame =
    clean.length === members.length && clean.every(([, member], index) => member === members[index]?.[1]);
  return isSame ? value : Object.fromEntries(clean);
}

function withoutCredentialTexts(text: string): string {
  const own = toOwnText(text);
  return own === text.slice(0, TEXT_LENGTH_MAX) ? text : own;
}
