import type { ExportErrorCode } from '../platform/errors.ts';

/** What `d3kos-export` exits with. Scripts and units rely on these numbers: they are added to, never changed. */
export const EXIT = {
  /** Also "nothing new", "skipped by tier" and "no network at boot": nothing was wrong and nothing is lost. */
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  notFound: 5,
  configuration: 6,
  /** As a shell reports a program that Ctrl-C ended. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The table of `--help`: every exit code in one line. */
export const EXIT_CODE_LINES: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.done, 'done; also: nothing new, skipped by tier, no network at boot'],
  [EXIT.failed, 'failed: the card, the ledger, or an export that central refused'],
  [EXIT.usage, 'wrong usage: unknown command, option or value'],
  [EXIT.unreachable, 'the export manager does not answer'],
  [EXIT.refused, 'refused: tier, licence, device token, or no room on the card'],
  [EXIT.notFound, 'no such entry or file, or the entry is in another state'],
  [EXIT.configuration, 'the configuration is wrong or unreadable'],
  [EXIT.interrupted, 'interrupted'],
];

/** The exit code of a failure. */
export function toExitCode(code: ExportErrorCode): ExitCode {
  switch (code) {
    case 'REQUEST_INVALID':
      return EXIT.usage;
    case 'DAEMON_UNREACHABLE':
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
    case 'DISK_FULL':
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
