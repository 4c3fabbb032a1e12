import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock, Disk } from './ports.ts';

/**
 * Whether a time service vouches for the boat's clock. `run` is `/run`: systemd-timesyncd leaves a file there once NTP
 * answered, which costs no process to see. For other services the machine is asked, see `createClockSyncQuery`. Undefined where
 * nobody says anything: unknown is not no. Rejects with the signal's reason when aborted.
 */
export async function isClockSynchronized(
  { disk, clock }: { readonly disk: Pick<Disk, 'stat'>; readonly clock: Pick<Clock, 'isSynchronized'> },
  run: string,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  if ((await disk.stat(join(run, 'systemd/timesync/synchronized'))) !== undefined) return true;
  return clock.isSynchronized?.(signal);
}

const runProgram = promisify(execFile);

/** Longest one program may take to say it: it asks a service of the same machine. */
const ANSWER_DEADLINE_MS = 2_000;
/** How long an answer is believed: each question is a process or two, and a page may ask for the status every second. */
const ANSWER_KEPT_MS = 60_000;

const TIMEDATE = ['org.freedesktop.timedate1', '/org/freedesktop/timedate1', 'org.freedesktop.timedate1'];

/**
 * Asks who may know whether the clock was set. The kernel, through systemd-timedated: ntpd tells it, and chrony where its
 * configuration has `rtcsync`, as Debian's does. Where it says no, chrony itself. Undefined where neither answers.
 */
export function createClockSyncQuery(
  programs: { readonly busctl: string; readonly chronyc: string } = { busctl: 'busctl', chronyc: 'chronyc' },
): (signal: AbortSignal) => Promise<boolean | undefined> {
  let known: { readonly atMs: number; readonly isSynchronized: boolean | undefined } | undefined;
  const ask = async (signal: AbortSignal): Promise<boolean | undefined> => {
    const kernel = readProperty(
      await tell(programs.busctl, ['get-property', ...TIMEDATE, 'NTPSynchronized'], signal),
    );
    if (kernel === true) return true;
    return readTracking(await tell(programs.chronyc, ['-c', 'tracking'], signal)) ?? kernel;
  };
  return async (signal) => {
    if (known === undefined || performance.now() - known.atMs >= ANSWER_KEPT_MS)
      known = { isSynchronized: await ask(signal), atMs: performance.now() };
    return known.isSynchronized;
  };
}

/** What a program wrote; nothing where it is not there, fails or takes too long, which is how most machines answer. */
async function tell(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    return (await runProgram(program, args, { timeout: ANSWER_DEADLINE_MS, signal })).stdout;
  } catch {
    signal.throwIfAborted();
    return '';
  }
}

/** A boolean property as `busctl get-property` writes it. */
function readProperty(text: string): boolean | undefined {
  return { 'b true': true, 'b false': false }[text.trim()];
}

/** The leap status ends `chronyc -c tracking`: `Not synchronised`, or `Normal` and two announcements of a leap second. */
function readTracking(text: string): boolean | undefined {
  const status = /,(Normal|Insert second|Delete second|Not synchronised)\s*$/.exec(text)?.[1];
  return status === undefined ? undefined : status !== 'Not synchronised';
}
