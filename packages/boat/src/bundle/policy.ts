import { toNumberedName } from '../ledger/labels.ts';

/** Maximum length of the reason given for a skipped export, in characters. */
const REASON_LENGTH_MAX = 200;

/**
 * Returns a bundle's file name, which contains only letters, digits, `_` and `.`. Every file system used on USB drives accepts
 * these.
 */
export function toBundleName(installationId: string, stamp: string): string {
  return `d3kos_${installationId}_${stamp}.bundle`;
}

/** Returns true for a name that `toBundleName` can create. A name of this form cannot point to another folder. */
export function isBundleName(name: string): boolean {
  return /^d3kos_[0-9a-f]{16}_[0-9]{8}_[0-9]{6}\.bundle$/.test(name);
}

/** Returns the file name to try at the given attempt to find an unused one. */
export function toFreeBundleName(name: string, attempt: number): string {
  return `${toNumberedName(name.replace(/\.bundle$/, ''), attempt)}.bundle`;
}

/** Truncates a reason to the maximum length allowed in a bundle's last line. */
export function toReason(message: string): string {
  return message.slice(0, REASON_LENGTH_MAX);
}
