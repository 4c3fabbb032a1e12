import type { MachineClock } from './clock.ts';
import { type DiskMedium, systemError } from './disk-medium.ts';
import type { SimRandom } from './random.ts';
import { never, type Power } from './power.ts';

/** The boot of a machine that mounts a medium. */
export interface MountOptions {
  readonly power: Power;
  readonly clock: MachineClock;
  readonly random: SimRandom;
  /** Longest duration of one step, in virtual time. Each step's own is random. With 0, no other work runs between steps. */
  readonly latencyMaxMs: number;
}

/** Called before each operation of the file system. Without power neither function ever settles. */
export interface Steps {
  /** Before an operation that changes something: a numbered step at which power can fail. */
  beforeChange(op: string, path: string): Promise<void>;
  beforeRead(op: string, path: string): Promise<void>;
}

/** Real time after which the kernel writes unsynced data by itself: Linux's dirty_expire_centisecs. */
const WRITE_BACK_MS = 30_000;

/** Operations that a read-only file system refuses. A sync without changes succeeds. */
const WRITING_OPS = new Set(['create', 'write', 'rename', 'link', 'unlink', 'make-directory']);

export function createSteps(medium: DiskMedium, { power, clock, random, latencyMaxMs }: MountOptions): Steps {
  let writtenBackMs: number = clock.monotonic();
  const take = async (op: string, path: string): Promise<void> => {
    const failure =
      medium.failureOf?.(op, path) ?? (medium.isReadOnly && WRITING_OPS.has(op) ? 'EROFS' : undefined);
    if (failure !== undefined) throw systemError(failure, path);
    if (latencyMaxMs > 0) await clock.sleep(random.fraction() * latencyMaxMs);
  };
  return {
    beforeRead: async (op, path) => {
      if (!power.isOn()) return never();
      await take(op, path);
    },
    beforeChange: async (op, path) => {
      if (!power.isOn()) return never();
      if (power.isCutWithin(`disk.${op}`)) {
        power.cut();
        return never();
      }
      if (medium.fsync === 'ignored' && clock.monotonic() - writtenBackMs > WRITE_BACK_MS) {
        medium.writeBack();
        writtenBackMs = clock.monotonic();
      }
      await take(op, path);
    },
  };
}
