import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import { readProcess } from './process-facts.ts';

/** Returns the main process ID of the server that `db` is connected to. */
export async function findPostmaster(db: pg.Pool): Promise<number> {
  const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
  const postmaster = orEnded(() => parentOf(rows[0]?.pid ?? 0));
  if (postmaster === undefined) throw new Error('the database server has ended');
  return postmaster;
}

/** Returns the IDs of all current server processes, starting with the main process. */
export function listServerProcesses(postmaster: number): readonly number[] {
  const own = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => orEnded(() => parentOf(pid)) === postmaster);
  return [postmaster, ...own];
}

/** CPU time that each server process has used so far, in milliseconds. */
export type ServerCpu = ReadonlyMap<number, number>;

/** Reads the CPU time of each current server process. */
export function readServerCpu(postmaster: number): ServerCpu {
  return new Map(
    listServerProcesses(postmaster).map((pid) => [pid, orEnded(() => readProcess(pid).cpuMs) ?? 0]),
  );
}

/**
 * The time that the server used between two readings. A process that ended in between, such as an autovacuum worker, does not
 * count.
 */
export function toServerCpuMs(before: ServerCpu, after: ServerCpu): number {
  return [...after].reduce((sum, [pid, cpuMs]) => sum + cpuMs - (before.get(pid) ?? 0), 0);
}

/** A process's parent, from proc(5). Throws if the process has ended. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** A process can end after it has been listed. */
function orEnded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
