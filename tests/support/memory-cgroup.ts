import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A memory cgroup with a limit, like the one that systemd creates for a unit with `MemoryMax`. */
export interface MemoryCgroup {
  /** Runs `start` in the cgroup. Processes that it starts stay in it. */
  run<T>(start: () => T): T;
  /** Returns how often the kernel has killed a process at the limit. */
  kills(): number;
  /** Removes the cgroup. Its processes must have ended. */
  remove(): void;
}

const ROOT = '/sys/fs/cgroup';

/** Creates a cgroup of either version, or returns the reason why this machine does not allow it. */
export function createMemoryCgroup(name: string, limitBytes: number): MemoryCgroup | string {
  if (process.getuid?.() !== 0) return 'only root can create a memory cgroup';
  const own = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const first = own.find((line) => /^\d+:(?:.*,)?memory(?:,.*)?:/.test(line));
  const isFirst = first !== undefined;
  const home = join(
    ROOT,
    isFirst ? 'memory' : '',
    (first ?? own.find((line) => line.startsWith('0::')) ?? '').split(':')[2] ?? '',
  );
  const folder = join(ROOT, isFirst ? 'memory' : '', name);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, isFirst ? 'memory.limit_in_bytes' : 'memory.max'), String(limitBytes));
    if (!isFirst && existsSync(join(folder, 'memory.swap.max')))
      writeFileSync(join(folder, 'memory.swap.max'), '0');
  } catch (error) {
    if (existsSync(folder)) rmdirSync(folder);
    return `no memory cgroup can be created: ${String(error)}`;
  }
  const enter = (group: string): void => writeFileSync(join(group, 'cgroup.procs'), String(process.pid));
  return {
    run(start) {
      enter(folder);
      try {
        return start();
      } finally {
        enter(home);
      }
    },
    kills() {
      const events = readFileSync(join(folder, isFirst ? 'memory.oom_control' : 'memory.events'), 'utf8');
      return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0);
    },
    remove: () => rmdirSync(folder),
  };
}
