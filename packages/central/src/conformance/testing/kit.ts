import { strict as assert } from 'node:assert';
import { openEmbedded } from '../../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../../platform/world.ts';
import { migrate } from '../../store/migrate.ts';
import { createNode, enrollBoat, NOON_MS } from '../../testing/central-under-test.ts';
import { type Result, runChecks } from '../run-checks.ts';
import type { Send } from './faulty-centrals.ts';

/** Runs the kit against this repository's central on a real database, with its answers modified by `change`. */
export async function openKit() {
  const { store, close } = await openEmbedded();
  await migrate(store, NOON_MS);
  return {
    close,
    async runAgainst(change: (send: Send) => Send): Promise<readonly Result[]> {
      const { id, token } = await enrollBoat(store);
      const app = createNode(store);
      const send = change((request) => app.fetch(request));
      const subject = {
        base: 'http://central.test',
        installationId: id,
        token,
        send,
        randomHex: systemRandomHex,
      };
      return runChecks(subject, () => undefined);
    },
  };
}

/** Fails unless exactly these requirements failed. */
export function assertBreaks(results: readonly Result[], breaks: readonly string[]): void {
  const failed = results.filter(({ kind }) => kind === 'failed');
  assert.deepEqual(
    failed.map(({ requirement }) => requirement),
    breaks,
    JSON.stringify(failed, undefined, 1),
  );
}
