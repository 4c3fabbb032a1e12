/**
 * All of the export manager's error codes. Each has a paragraph in docs/reference/errors.md, and a test compares the two lists.
 */
export const EXPORT_ERROR_CODES = [
  'CONFIG_INVALID',
  'CONFIG_UNREADABLE',
  'CREDENTIALS_MISSING',
  'CREDENTIALS_INVALID',
  'LICENSE_MISSING',
  'LICENSE_INVALID',
  'INSTALLATION_ID_INVALID',
  'TIER_UNKNOWN',
  'TIER_TOO_LOW',
  'DISK_FULL',
  'DISK_NO_INODES',
  'DISK_RESERVE',
  'DISK_READ_ONLY',
  'DISK_FAILED',
  'SOURCE_UNREADABLE',
  'FILES_EXHAUSTED',
  'FILE_TOO_LARGE',
  'LEDGER_FAILED',
  'LEDGER_NOT_DURABLE',
  'LEDGER_TOO_NEW',
  'ALREADY_RUNNING',
  'PORT_IN_USE',
  'ENTRY_NOT_FOUND',
  'ENTRY_STATE',
  'EXPORT_FILE_DAMAGED',
  'EXPORT_FILE_MISSING',
  'DAEMON_UNREACHABLE',
  'CENTRAL_UNREACHABLE',
  'CENTRAL_REFUSED',
  'INSTALLATION_MISMATCH',
  'BUSY',
  'REQUEST_INVALID',
  'REQUEST_FORBIDDEN',
  'NOT_FOUND',
  'INTERNAL',
] as const;

export type ExportErrorCode = (typeof EXPORT_ERROR_CODES)[number];

/** A failure outside the program. `op` names the failed operation and its object, and `hint` explains what to do next. */
export class ExportError extends Error {
  readonly code: ExportErrorCode;
  readonly op: string;
  readonly hint: string;
  constructor(
    code: ExportErrorCode,
    message: string,
    facts: { readonly op: string; readonly hint: string; readonly cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'ExportError';
    this.code = code;
    this.op = facts.op;
    this.hint = facts.hint;
  }
}

/** Returns true for an ExportError. If `code` is given, the error must have this code. */
export function isExportError(error: unknown, code?: ExportErrorCode): error is ExportError {
  return error instanceof ExportError && (code === undefined || error.code === code);
}
