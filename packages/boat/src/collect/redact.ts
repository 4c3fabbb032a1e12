/** Maximum number of characters kept from a string. */
export const TEXT_LENGTH_MAX = 20_000;

/** The replacement for removed text and the reason shown in the preview. */
export const REDACTIONS = {
  '[address]': 'an address',
  '[path]': 'a local path',
  '[hidden]': 'a credential',
} as const;

const ADDRESS = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>]+/gi;
const LOCAL_PATH =
  /(?<![\w.])\/(?:home|opt|etc|var|media|mnt|root|tmp|usr|run|srv)(?!\w)(?:\/[^\s"'<>,;)]*)?/g;

/**
 * Matches a name of one or two words, optionally in quotes, followed by `:` or `=` and a value. The groups are the name, the sign
 * and the value.
 */
const NAMED_VALUE =
  /(?<![\w-])([\w-]+(?![\w-])(?: key| id| token| password)?)(["']?[ \t]{0,4}[:=][ \t]{0,4}["']?)((?:bearer|basic|digest|token) [^\s"',}&]+|[^\s"',}&]+)/gi;

/** Names whose values are always credentials: passwords, and compound names that only programs use. */
const CREDENTIAL_NAME =
  /passw(?:or)?d$|(?:^|_)(?:pwd|passphrase|psk)$|(?:api|access|secret|private|signing|encryption)[_ -]?key$|_(?:token|secret)$|auth-token$|[a-z](?:Token|Secret)$|chat[_ -]?id$/;
/** Names that also occur in ordinary sentences, such as the ignition key or a laundry token. */
const AMBIGUOUS_NAME = /key$|token$|^secret$|^authorization$/;
const PIN_NAME = /(?:^|_)pin$/;

/** Removes addresses, local paths and credentials from text written by another program. Ordinary sentences are kept. */
export function toPublicText(text: string): string {
  const cut = toCut(text);
  // Every pattern requires one of these characters, and most strings contain none of them.
  if (!/[/:=]/.test(cut)) return cut;
  return hideCredentials(cut.replaceAll(ADDRESS, '[address]').replaceAll(LOCAL_PATH, '[path]'));
}

/**
 * Removes only credentials from an owner's answer, because it must be restored unchanged. It may, for example, contain a
 * gateway's address. An address that contains a password is a credential.
 */
export function toOwnText(text: string): string {
  const cut = toCut(text);
  if (!/[:=]/.test(cut)) return cut;
  return hideCredentials(cut.replaceAll(/(:\/\/)[^\s/@"'<>:]+:[^\s/@"'<>]+@/g, '$1[hidden]@'));
}

function toCut(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? text.slice(0, TEXT_LENGTH_MAX) : text;
}

function hideCredentials(text: string): string {
  return text.replaceAll(NAMED_VALUE, (whole: string, name: string, sign: string, value: string) =>
    isCredential(name, sign, value) ? `${name}${sign}[hidden]` : whole,
  );
}

/**
 * Returns true for the name of a JSON member whose value is or may be a credential. No collector's allow-list contains a name
 * that matches.
 */
export function isCredentialName(name: string): boolean {
  const plain = name.toLowerCase();
  return (
    CREDENTIAL_NAME.test(name) ||
    CREDENTIAL_NAME.test(plain) ||
    AMBIGUOUS_NAME.test(plain) ||
    PIN_NAME.test(plain)
  );
}

function isCredential(name: string, sign: string, value: string): boolean {
  const plain = name.toLowerCase();
  if (CREDENTIAL_NAME.test(name) || CREDENTIAL_NAME.test(plain)) return true;
  if (PIN_NAME.test(plain)) return /^\d{4,8}$/.test(value);
  if (!AMBIGUOUS_NAME.test(plain)) return false;
  if (/^(?:bearer|basic|digest|token) /i.test(value)) return true;
  return isLikeCredential(value) || (sign.includes('=') && value.length >= 8);
}

/**
 * Returns true for a value that cannot be an ordinary word: at least 12 characters including letters and digits, or at least 24
 * characters.
 */
function isLikeCredential(value: string): boolean {
  return (value.length >= 12 && /\d/.test(value) && /[a-z]/i.test(value)) || value.length >= 24;
}

/** A record field from which text was removed, and the reason. */
export interface Redaction {
  readonly field: string;
  readonly reason: string;
}

/** Returns the record's fields from which text was removed, each with the reason. `field` is a path such as `alert.message`. */
export function findRedactions(record: unknown, field = ''): readonly Redaction[] {
  if (typeof record === 'string')
    return Object.entries(REDACTIONS)
      .filter(([placeholder]) => record.includes(placeholder))
      .map(([, reason]) => ({ field, reason }));
  if (typeof record !== 'object' || record === null) return [];
  return Object.entries(record).flatMap(([key, value]) =>
    findRedactions(value, Array.isArray(record) ? `${field}[]` : field === '' ? key : `${field}.${key}`),
  );
}
