import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock, Disk } from './ports.ts';

/**
 * Returns whether a time service reports that the clock is set, or undefined if none reports anything. `run` is `/run`, where
 * systemd-timesyncd creates a file after its first NTP answer. Checking this file does not start a process. For other services,
 * see `createClockSyncQuery`. Rejects with the signal's reason when aborted.
 */
export async function isClockSynchronized(
  { disk, clock }: { readonly disk: Pick<Disk, 'stat'>; readonly clock: Pick<Clock, 'isSynchronized'> },
  run: string,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  if ((await disk.stat(join(run, 'systemd/timesync/synchronized'), 'follow')) !== undefined) return true;
  return clock.isSynchronized?.(signal);
}

const runProgram = promisify(execFile);

/** Timeout for one program. Each of these programs queries a service on this machine. */
const ANSWER_DEADLINE_MS = 2_000;
/** How long an answer is cached. Every query starts one or two processes, and a page may request the status once a second. */
const ANSWER_KEPT_MS = 60_000;

const TIMEDATE = ['org.freedesktop.timedate1', '/org/freedesktop/timedate1', 'org.freedesktop.timedate1'];

/**
 * Returns a function that reports whether the clock is set. It first queries the kernel through systemd-timedated. ntpd reports
 * to the kernel, and so does chrony if its configuration contains `rtcsync`, as on Debian. If the kernel reports that the clock
 * is not set, it queries chrony. It resolves to undefined if neither answers.
 */
export function createClockSyncQuery(
  programs: { readonly busctl: string; readonly chronyc: string } = { busctl: 'busctl', chronyc: 'chronyc' },
): (signal: AbortSignal) => Promise<boolean | undefined> {
  let known: { readonly atMs: number; readonly isSynchronized: boolean | undefined } | undefined;
  const query = async (signal: AbortSignal): Promise<boolean | undefined> => {
    const kernel = parseProperty(
      await readOutput(programs.busctl, ['get-property', ...TIMEDATE, 'NTPSynchronized'], signal),
    );
    if (kernel === true) return true;
    return parseTracking(await readOutput(programs.chronyc, ['-c', 'tracking'], signal)) ?? kernel;
  };
  return async (signal) => {
    if (known === undefined || performance.now() - known.atMs >= ANSWER_KEPT_MS)
      known = { isSynchronized: await query(signal), atMs: performance.now() };
    return known.isSynchronized;
  };
}

/** Returns a program's output, which is empty if the program is missing, fails or exceeds the timeout. */
async function readOutput(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    return (await runProgram(program, args, { timeout: ANSWER_DEADLINE_MS, signal })).stdout;
  } catch {
    signal.throwIfAborted();
    return '';
  }
}

/** Parses a boolean property as `busctl get-property` prints it. */
function parseProperty(text: string): boolean | undefined {
  return { 'b true': true, 'b false': false }[text.trim()];
}

/**
 * Parses the leap status at the end of `chronyc -c tracking`: `Not synchronised`, `Normal`, or one of two announcements of a
 * leap second.
 */
function parseTracking(text: string): boolean | undefined {
  const status = /,(Normal|Insert second|Delete second|Not synchronised)\s*$/.exec(text)?.[1];
  return status === undefined ? undefined : status !== 'Not synchronised';
}
