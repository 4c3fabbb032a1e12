import type { MachineClock } from './clock.ts';
import { type DiskMedium, systemError } from './disk-medium.ts';
import type { SimRandom } from './random.ts';
import { never, type Power } from './power.ts';

/** A boot that mounts a medium. */
export interface MountOptions {
  readonly power: Power;
  readonly clock: MachineClock;
  readonly random: SimRandom;
  /** Maximum duration of one step, in virtual time. The actual duration is random. With 0, no other work runs between steps. */
  readonly latencyMaxMs: number;
}

/** Functions called before each file system operation. Without power, their promises never settle. */
export interface Steps {
  /** Called before an operation that changes something, which is a numbered step at which power can fail. */
  beforeChange(op: string, path: string): Promise<void>;
  beforeRead(op: string, path: string): Promise<void>;
}

/** Time after which the kernel writes unsynced data on its own (dirty_expire_centisecs on Linux). */
const WRITE_BACK_MS = 30_000;

/** Operations that a read-only file system refuses. A sync without changes does not fail. */
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
      const { hang } = medium;
      if (hang !== undefined && `${path}/`.startsWith(`${hang.path}/`)) {
        hang.onWait(path);
        await hang.ended;
        if (!power.isOn()) return never();
      }
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
