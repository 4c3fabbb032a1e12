import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { systemCode } from '../packages/boat/src/platform/disk-file-system.ts';

/** Linux counters of a running process (proc(5)). */
export interface ProcessFacts {
  readonly rssMb: number;
  readonly peakRssMb: number;
  /** Number of bytes that the process has caused to be written to storage. */
  readonly writtenBytes: number;
  /** Total CPU time of all threads. */
  readonly cpuMs: number;
  readonly sockets: number;
}

/** Reads the counters of process `pid`. Throws if it has ended. */
export function readProcess(pid: number): ProcessFacts {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  let ranNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    ranNs += Number(readIfThere(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0] ?? 0);
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkIfThere(`/proc/${pid}/fd/${fd}`));
  return {
    rssMb: toField(status, 'VmRSS') / 1024,
    peakRssMb: toField(status, 'VmHWM') / 1024,
    writtenBytes: toField(io, 'write_bytes'),
    cpuMs: ranNs / 1e6,
    sockets: links.filter((link) => link?.startsWith('socket:')).length,
  };
}

function toField(text: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`the kernel does not report ${name}`);
  return Number(found);
}

/** A thread or descriptor can disappear while it is being listed. */
function orGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}
const readIfThere = (path: string): string | undefined => orGone(() => readFileSync(path, 'utf8'));
const linkIfThere = (path: string): string | undefined => orGone(() => readlinkSync(path));
