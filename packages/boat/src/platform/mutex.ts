import { ExportError } from './errors.ts';

/** Runs callers one at a time, in the order of their calls. */
export interface Mutex {
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Number of callers that are running or waiting. */
  depth(): number;
}

export function createMutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve();
  let depth = 0;
  return {
    run(work) {
      depth += 1;
      const result = last.then(work).finally(() => {
        depth -= 1;
      });
      // The next caller waits until this one has finished, whether or not it fails. Only this caller sees the failure.
      last = result.then(
        () => undefined,
        () => undefined,
      );
      return result;
    },
    depth: () => depth,
  };
}

/**
 * Creates a mutex with a limited queue. If `depthMax` callers are already running or waiting, `run` throws BUSY. `op` names
 * the work.
 */
export function createBoundedMutex(depthMax: number, op: string): Mutex {
  const mutex = createMutex();
  return {
    ...mutex,
    async run(work) {
      if (mutex.depth() < depthMax) return mutex.run(work);
      throw new ExportError(
        'BUSY',
        `Cannot ${op}: ${depthMax} requests of this kind are already in progress`,
        {
          op,
          hint: 'Wait until they are done, then try again. Nothing is lost.',
        },
      );
    },
  };
}
