import { Session } from 'node:inspector/promises';

/** Tracks which code is executed, so that inputs that reach new code can be kept. */
export interface Coverage {
  /** Returns the number of code ranges of the product that were executed for the first time since the last call. */
  takeNew(): Promise<number>;
}

/** Starts V8's block coverage for this thread. Only files below `packages` are counted. */
export async function startCoverage(): Promise<Coverage> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const seen = new Set<string>();
  return {
    async takeNew() {
      const { result } = await session.post('Profiler.takePreciseCoverage');
      const before = seen.size;
      for (const { url, functions } of result) {
        if (!url.includes('/packages/')) continue;
        for (const { ranges } of functions)
          for (const { startOffset, endOffset, count } of ranges)
            if (count > 0) seen.add(`${url} ${startOffset} ${endOffset}`);
      }
      return seen.size - before;
    },
  };
}
