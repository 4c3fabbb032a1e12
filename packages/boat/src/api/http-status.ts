import type { ExportErrorCode } from '../platform/errors.ts';

/**
 * Returns the HTTP status for an error code: 4xx if the request is invalid or the boat's state does not allow it, 5xx if a disk,
 * a file or a service failed.
 */
export function toHttpStatus(code: ExportErrorCode): 400 | 403 | 404 | 409 | 500 | 503 | 507 {
  switch (code) {
    case 'REQUEST_INVALID':
    case 'CONFIG_INVALID':
      return 400;
    case 'TIER_TOO_LOW':
    case 'REQUEST_FORBIDDEN':
    case 'INSTALLATION_ID_INVALID':
    case 'LICENSE_MISSING':
    case 'LICENSE_INVALID':
    case 'TIER_UNKNOWN':
      return 403;
    case 'ENTRY_NOT_FOUND':
    case 'NOT_FOUND':
    case 'EXPORT_FILE_MISSING':
      return 404;
    case 'ENTRY_STATE':
    case 'ALREADY_RUNNING':
      return 409;
    case 'DISK_FULL':
    case 'DISK_NO_INODES':
    case 'DISK_RESERVE':
      return 507;
    case 'DISK_READ_ONLY':
    case 'SOURCE_UNREADABLE':
    case 'FILES_EXHAUSTED':
    case 'DAEMON_UNREACHABLE':
    case 'CENTRAL_UNREACHABLE':
    case 'CENTRAL_REFUSED':
    case 'INSTALLATION_MISMATCH':
    case 'BUSY':
    case 'CREDENTIALS_MISSING':
    case 'CREDENTIALS_INVALID':
      return 503;
    case 'CONFIG_UNREADABLE':
    case 'DISK_FAILED':
    case 'FILE_TOO_LARGE':
    case 'LEDGER_FAILED':
    case 'LEDGER_NOT_DURABLE':
    case 'LEDGER_TOO_NEW':
    case 'PORT_IN_USE':
    case 'EXPORT_FILE_DAMAGED':
    case 'INTERNAL':
      return 500;
    default:
      return code satisfies never;
  }
}
