import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { runHost } from './booted-root.ts';
import { until } from './until.ts';

const HIERARCHIES = '/sys/fs/cgroup';
/** The controllers of `MemoryMax=` and `TasksMax=`. */
const CONTROLLERS = ['memory', 'pids'] as const;

/** Control groups on the host in which a machine starts, so that its systemd can set limits. */
export interface LimitGroups {
  /** The folders of the groups. */
  readonly paths: readonly string[];
  /** Allows the booted systemd, whose process ID is `leader`, to write to the groups. */
  delegate(leader: string | undefined): Promise<void>;
  /** Removes the groups. The machine must have ended. */
  remove(): Promise<void>;
}

/** Used by a machine that needs no groups, because the host has cgroup v2 or because the machine has no limits. */
export const NO_GROUPS: LimitGroups = {
  paths: [],
  delegate: async () => undefined,
  remove: async () => undefined,
};

/**
 * Creates a machine's groups. On a host with cgroup v1, systemd-nspawn mounts these hierarchies read-only, and systemd accepts
 * the limits but does not enforce them. The machine's own subtree is therefore made writable.
 */
export function createLimitGroups(name: string): LimitGroups {
  if (existsSync(join(HIERARCHIES, 'cgroup.controllers'))) return NO_GROUPS;
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const paths = CONTROLLERS.map((controller) =>
    join(HIERARCHIES, controller, new RegExp(`^\\d+:${controller}:(.*)$`, 'm').exec(own)?.[1] ?? '', name),
  );
  for (const path of paths) mkdirSync(path);
  return {
    paths,
    async delegate(leader) {
      if (leader === undefined) throw new Error('the machine does not run');
      for (const controller of CONTROLLERS) {
        const enter = ['-t', leader, '-m', '-C', 'mount', '-o', 'remount,rw,bind'];
        await runHost('nsenter', ...enter, join(HIERARCHIES, controller));
      }
      await runHost('nsenter', '-t', leader, '-a', 'systemctl', 'daemon-reexec');
    },
    async remove() {
      for (const path of paths) await until(`${path} is empty`, () => removeGroups(path));
    },
  };
}

/** Removes a group and those below it. Returns false while any of them still has a process. */
function removeGroups(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory()) removeGroups(join(path, entry.name));
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
