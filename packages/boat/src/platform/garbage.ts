import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Returns a function that runs V8's full garbage collection and returns freed pages to the system. With an idle daemon's heap,
 * this blocks the event loop for about 20 ms, and several times longer on a Raspberry Pi. Used only by
 * `collect-garbage-when-idle.ts`; the two must be removed together (decision 0023).
 */
export function createGarbageCollector(): () => void {
  let collect: NodeJS.GCFunction | undefined;
  return () => {
    if (collect === undefined) {
      setFlagsFromString('--expose-gc');
      // V8 defines `gc` only in contexts created after the flag is set. V8 determines its type.
      collect = runInNewContext('gc') as NodeJS.GCFunction;
    }
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  };
}
