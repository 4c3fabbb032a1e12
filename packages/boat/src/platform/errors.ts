/**
 * Every code a failure of the export manager can carry. Each has a paragraph in docs/reference/errors.md;
 * a test compares both ways.
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
  'DISK_RESERVE',
  'DISK_READ_ONLY',
  'DISK_FAILED',
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
  'BUSY',
  'REQUEST_INVALID',
  'REQUEST_FORBIDDEN',
  'NOT_FOUND',
  'INTERNAL',
] as const;

export type ExportErrorCode = (typeof EXPORT_ERROR_CODES)[number];

/** A failure of the world, told whole: what happened to which thing (`op`) and what to do next (`hint`). */
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

/** True for an ExportError, with the given code if one is given. */
export function isExportError(error: unknown, code?: ExportErrorCode): error is ExportError {
  return error instanceof ExportError && (code === undefined || error.code === code);
}
