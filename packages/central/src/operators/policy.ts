/** `viewer` reads the fleet. `admin` also gives access to boats and manages accounts. */
export const ROLES = ['viewer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** True for the name of a role. */
export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}

/**
 * The names of accounts. They have no spaces and no capital letters, so that the audit trail cannot mistake one for the operator token
 * or the command line, and two accounts never differ only in case.
 */
export const ACCOUNT_NAME_PATTERN = '^[a-z][a-z0-9._-]{1,39}$';

/** Shortest password. Guessing is throttled, so 12 characters that are not a known phrase withstand it. */
export const PASSWORD_LENGTH_MIN = 12;
/** Maximum length of a password. It limits the work of hashing. */
export const PASSWORD_LENGTH_MAX = 128;

/** True for the name of an account. */
export function isAccountName(text: string): boolean {
  return new RegExp(ACCOUNT_NAME_PATTERN).test(text);
}

/** Returns what is wrong with a password, or undefined. */
export function findPasswordFault(name: string, password: string): string | undefined {
  if (password.length < PASSWORD_LENGTH_MIN)
    return `a password needs at least ${PASSWORD_LENGTH_MIN} characters`;
  if (password.length > PASSWORD_LENGTH_MAX)
    return `a password has at most ${PASSWORD_LENGTH_MAX} characters`;
  if (new Set(password).size < 5) return 'the password repeats too few different characters';
  if (password.toLowerCase().includes(name)) return 'the password contains the name of the account';
  return undefined;
}

/** Longest life of a session: a working day. */
export const SESSION_MAX_MS = 12 * 3_600_000;
/** Longest time without a request, after which a session ends: a browser that was left open. */
export const SESSION_IDLE_MAX_MS = 2 * 3_600_000;
/**
 * Precision with which the time of the last request is stored. Without this limit, every request of a session
 * would write a row.
 */
export const SESSION_USE_EXACT_MS = 60_000;
/** Maximum number of sessions of one account. The oldest ends when a new one begins. */
export const SESSIONS_MAX = 10;

/** How many failed logins a subject may have at once, and how fast they are forgotten. */
export interface LoginLimit {
  readonly burst: number;
  readonly forgottenPerS: number;
}

/** Of one network: a person who mistypes, and an office behind one address. */
export const ADDRESS_LIMIT: LoginLimit = { burst: 10, forgottenPerS: 1 / 60 };
/**
 * Of one account, from all networks together: 1,470 guesses a day. An attacker who uses up this limit keeps the
 * account's owner from logging in; sessions that exist, other accounts, the operator token and the command line
 * are not affected.
 */
export const ACCOUNT_LIMIT: LoginLimit = { burst: 30, forgottenPerS: 1 / 60 };
