import type { CentralFailureCode } from '../platform/errors.ts';

/** The program's exit for each failure: 1 failed, 2 asked wrongly, 3 unknown installation, 4 something else is there already, 5 no database. */
export function toExitCode(code: CentralFailureCode): number {
  switch (code) {
    case 'USAGE':
    case 'CONFIG_INVALID':
    case 'INSTALLATION_ID_INVALID':
      return 2;
    case 'INSTALLATION_NOT_FOUND':
      return 3;
    case 'PORT_IN_USE':
    case 'DATA_DIR_IN_USE':
      return 4;
    case 'STORE_UNAVAILABLE':
    case 'EMBEDDED_UNAVAILABLE':
    case 'EMBEDDED_FAILED':
      return 5;
    case 'STORE_FAILED':
    case 'MIGRATION_CHANGED':
    case 'SCHEMA_TOO_NEW':
    case 'BUNDLE_UNREADABLE':
      return 1;
  }
}
