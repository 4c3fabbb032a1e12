import { execFile } from 'node:child_process';
import { arch, freemem, release, totalmem, uptime } from 'node:os';
import { promisify } from 'node:util';

/**
 * Maximum number of log lines, and limits on the time spent and bytes read to get them. A healthy boat writes about 200 lines a
 * week.
 */
const LOG_LINES_MAX = 500;
const LOG_READ_MAX_MS = 20_000;
const LOG_SIZE_MAX_BYTES = 2 * 1024 * 1024;

/** Information about the machine that support needs. */
export interface SupportFacts {
  readonly node: string;
  readonly sqlite: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly uptime_seconds: number;
  readonly memory_bytes: number;
  readonly memory_free_bytes: number;
  /** The service's latest journal lines, oldest first, or the reason why they cannot be read. */
  readonly log: { readonly lines: readonly string[] } | { readonly unreadable: string };
}

/** Reads the facts. Never rejects: if the journal cannot be read, the result includes the reason. */
export async function readSupportFacts(unit: string): Promise<SupportFacts> {
  return {
    node: process.versions.node,
    sqlite: process.versions['sqlite'] ?? 'unknown',
    kernel: release(),
    architecture: arch(),
    uptime_seconds: Math.round(uptime()),
    memory_bytes: totalmem(),
    memory_free_bytes: freemem(),
    log: await readJournal(unit),
  };
}

async function readJournal(unit: string): Promise<SupportFacts['log']> {
  try {
    const { stdout } = await promisify(execFile)(
      'journalctl',
      ['--unit', unit, '--lines', String(LOG_LINES_MAX), '--no-pager', '--output', 'short-iso', '--quiet'],
      { timeout: LOG_READ_MAX_MS, maxBuffer: LOG_SIZE_MAX_BYTES },
    );
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.length > 0 ? { lines } : { unreadable: 'the journal has no lines that this user may read' };
  } catch (error) {
    return { unreadable: error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown' };
  }
}
