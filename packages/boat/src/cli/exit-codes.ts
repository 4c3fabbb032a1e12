import type { ExportErrorCode } from '../platform/errors.ts';

/** The exit codes of `d3kos-export`. Scripts and systemd units rely on them, so codes may be added but never changed. */
export const EXIT = {
  /** Includes "nothing new", "skipped by tier" and "no network at boot", because nothing failed and nothing was lost. */
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  notFound: 5,
  configuration: 6,
  /** The code that shells report when Ctrl-C terminates a program. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit codes and their meanings, as `--help` lists them. */
export const EXIT_CODE_LINES: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.done, 'success, including: nothing new, skipped by tier, no network at boot'],
  [EXIT.failed, 'failure of the disk, the ledger, a source or an export'],
  [EXIT.usage, 'invalid command, option or value'],
  [EXIT.unreachable, 'the export manager or central does not answer'],
  [EXIT.refused, 'refused because of tier, licence, device token or free space'],
  [EXIT.notFound, 'unknown entry or file, or an entry in the wrong state'],
  [EXIT.configuration, 'invalid or unreadable configuration'],
  [EXIT.interrupted, 'interrupted'],
];

/** Returns the exit code for an error. */
export function toExitCode(code: ExportErrorCode): ExitCode {
  switch (code) {
    case 'REQUEST_INVALID':
      return EXIT.usage;
    case 'DAEMON_UNREACHABLE':
    case 'CENTRAL_UNREACHABLE':
      return EXIT.unreachable;
    case 'BUSY':
    case 'TIER_TOO_LOW':
    case 'TIER_UNKNOWN':
    case 'LICENSE_MISSING':
    case 'LICENSE_INVALID':
    case 'INSTALLATION_ID_INVALID':
    case 'CREDENTIALS_MISSING':
    case 'CREDENTIALS_INVALID':
    case 'REQUEST_FORBIDDEN':
    case 'CENTRAL_REFUSED':
    case 'INSTALLATION_MISMATCH':
    case 'DISK_FULL':
    case 'DISK_NO_INODES':
    case 'DISK_RESERVE':
      return EXIT.refused;
    case 'ENTRY_NOT_FOUND':
    case 'ENTRY_STATE':
    case 'EXPORT_FILE_MISSING':
    case 'NOT_FOUND':
      return EXIT.notFound;
    case 'CONFIG_INVALID':
    case 'CONFIG_UNREADABLE':
      return EXIT.configuration;
    case 'DISK_READ_ONLY':
    case 'DISK_FAILED':
    case 'SOURCE_UNREADABLE':
    case 'FILES_EXHAUSTED':
    case 'FILE_TOO_LARGE':
    case 'LEDGER_FAILED':
    case 'LEDGER_NOT_DURABLE':
    case 'LEDGER_TOO_NEW':
    case 'ALREADY_RUNNING':
    case 'PORT_IN_USE':
    case 'EXPORT_FILE_DAMAGED':
    case 'INTERNAL':
      return EXIT.failed;
    default:
      return code satisfies never;
  }
}
