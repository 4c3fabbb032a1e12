/** `viewer` can read the fleet. `admin` can also manage the access of boats and accounts. */
export const ROLES = ['viewer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** True if the text names a role. */
export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}

/**
 * The format of an account name. It has no spaces, so that it cannot be confused with the actors `operator token` and `command
 * line` in the audit trail, and no capital letters, so that two names never differ only in case.
 */
export const ACCOUNT_NAME_PATTERN = '^[a-z][a-z0-9._-]{1,39}$';

/** Minimum length of a password. Guessing is throttled, so 12 characters are enough if they are not a well-known phrase. */
export const PASSWORD_LENGTH_MIN = 12;
/** Maximum length of a password, which limits the hashing work. */
export const PASSWORD_LENGTH_MAX = 128;

/** True if the text is a valid account name. */
export function isAccountName(text: string): boolean {
  return new RegExp(ACCOUNT_NAME_PATTERN).test(text);
}

/** Returns the reason why a password is not allowed, or undefined. */
export function findPasswordFault(name: string, password: string): string | undefined {
  if (password.length < PASSWORD_LENGTH_MIN)
    return `a password needs at least ${PASSWORD_LENGTH_MIN} characters`;
  if (password.length > PASSWORD_LENGTH_MAX)
    return `a password may have at most ${PASSWORD_LENGTH_MAX} characters`;
  if (new Set(password).size < 5) return 'the password has too few different characters';
  if (password.toLowerCase().includes(name)) return 'the password contains the name of the account';
  return undefined;
}

/** Maximum lifetime of a session: a working day. */
export const SESSION_MAX_MS = 12 * 3_600_000;
/** Idle time after which a session ends, in case a browser was left open. */
export const SESSION_IDLE_MAX_MS = 2 * 3_600_000;
/**
 * Precision with which the time of the last request is stored. Otherwise, every request in a session would write a row.
 */
export const SESSION_USE_EXACT_MS = 60_000;
/** Maximum number of sessions of one account. The oldest ends when a new one begins. */
export const SESSIONS_MAX = 10;

/** How many failed logins a subject may accumulate, and how fast they expire. */
export interface LoginLimit {
  readonly burst: number;
  readonly forgottenPerS: number;
}

/** Limit per network. It allows for typing errors and for an office behind one address. */
export const ADDRESS_LIMIT: LoginLimit = { burst: 10, forgottenPerS: 1 / 60 };
/**
 * Limit per account across all networks: 1,470 guesses a day. An attacker who uses up this limit prevents the account holder from
 * logging in. Existing sessions, other accounts, the operator token and the command line are not affected.
 */
export const ACCOUNT_LIMIT: LoginLimit = { burst: 30, forgottenPerS: 1 / 60 };
