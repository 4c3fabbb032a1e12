import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives what collects all garbage of this process at once and lets go of the pages it was on. The event loop stands still
 * for it: about 20 ms of this process's heap here, a few times that on a Pi.
 */
export function createGarbageCollector(): () => void {
  let collect: NodeJS.GCFunction | undefined;
  return () => {
    if (collect === undefined) {
      setFlagsFromString('--expose-gc');
      // The flag gives `gc` to contexts that are made after it; its type is V8's.
      collect = runInNewContext('gc') as NodeJS.GCFunction;
    }
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  };
}
