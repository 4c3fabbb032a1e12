/** Every code of a CentralFailure. `cli/exit-code.ts` maps each to an exit code. */
export const CENTRAL_FAILURE_CODES = [
  'USAGE',
  'CONFIG_INVALID',
  'PORT_IN_USE',
  'DATA_DIR_IN_USE',
  'DATA_DIR_FULL',
  'FILES_EXHAUSTED',
  'EMBEDDED_UNAVAILABLE',
  'EMBEDDED_FAILED',
  'STORE_UNAVAILABLE',
  'STORE_LOGIN_REFUSED',
  'STORE_DATABASE_MISSING',
  'STORE_PROTOCOL_REFUSED',
  'STORE_RIGHT_MISSING',
  'STORE_CONNECTIONS_EXHAUSTED',
  'STORE_DISK_FULL',
  'STORE_READ_ONLY',
  'STORE_SLOW',
  'STORE_FAILED',
  'MIGRATION_CHANGED',
  'SCHEMA_TOO_NEW',
  'DISTRIBUTION_REFUSED',
  'INSTALLATION_ID_INVALID',
  'INSTALLATION_NOT_FOUND',
  'TOKEN_NOT_FOUND',
  'ACCOUNT_NOT_FOUND',
  'ACCOUNT_EXISTS',
  'BUNDLE_UNREADABLE',
  'BUNDLE_NOT_SIGNED',
  'BUNDLE_KEY_UNKNOWN',
  'OUTPUT_FAILED',
] as const;

export type CentralFailureCode = (typeof CENTRAL_FAILURE_CODES)[number];

/** A failure outside the program, with the failed operation (`op`) and what to do next (`hint`). Never contains a token. */
export class CentralFailure extends Error {
  readonly code: CentralFailureCode;
  readonly op: string;
  readonly hint: string;
  constructor(
    code: CentralFailureCode,
    message: string,
    facts: { readonly op: string; readonly hint: string; readonly cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'CentralFailure';
    this.code = code;
    this.op = facts.op;
    this.hint = facts.hint;
  }
}

/** True for a CentralFailure that has the given code, or any code if none is given. */
export function isCentralFailure(error: unknown, code?: CentralFailureCode): error is CentralFailure {
  return error instanceof CentralFailure && (code === undefined || error.code === code);
}
