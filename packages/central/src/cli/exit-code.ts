import type { CentralFailureCode } from '../platform/errors.ts';

/** The meaning of each of the program's exit codes. */
export const EXIT_CODES = {
  0: 'success',
  1: 'failure',
  2: 'invalid usage or configuration',
  3: 'unknown installation, token or account',
  4: 'port or data directory in use',
  5: 'database not available',
} as const;

export type ExitCode = keyof typeof EXIT_CODES;

/** Returns the exit code of each error code. */
export function toExitCode(code: CentralFailureCode): ExitCode {
  switch (code) {
    case 'USAGE':
    case 'CONFIG_INVALID':
    case 'INSTALLATION_ID_INVALID':
      return 2;
    case 'INSTALLATION_NOT_FOUND':
    case 'TOKEN_NOT_FOUND':
    case 'ACCOUNT_NOT_FOUND':
      return 3;
    case 'PORT_IN_USE':
    case 'DATA_DIR_IN_USE':
      return 4;
    case 'DATA_DIR_FULL':
    case 'FILES_EXHAUSTED':
    case 'STORE_UNAVAILABLE':
    case 'STORE_LOGIN_REFUSED':
    case 'STORE_DATABASE_MISSING':
    case 'STORE_PROTOCOL_REFUSED':
    case 'STORE_RIGHT_MISSING':
    case 'STORE_CONNECTIONS_EXHAUSTED':
    case 'STORE_DISK_FULL':
    case 'STORE_READ_ONLY':
    case 'STORE_SLOW':
    case 'EMBEDDED_UNAVAILABLE':
    case 'EMBEDDED_FAILED':
      return 5;
    case 'STORE_FAILED':
    case 'MIGRATION_CHANGED':
    case 'SCHEMA_TOO_NEW':
    case 'DISTRIBUTION_REFUSED':
    case 'BUNDLE_UNREADABLE':
    case 'BUNDLE_NOT_SIGNED':
    case 'BUNDLE_KEY_UNKNOWN':
    case 'OUTPUT_FAILED':
    case 'ACCOUNT_EXISTS':
      return 1;
  }
}
