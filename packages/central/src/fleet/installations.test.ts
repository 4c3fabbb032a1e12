import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { enroll, revoke } from '../installations/enroll.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import { NOON_MS } from '../testing/central-under-test.ts';
import { loadBoatDetails } from './boat-details.ts';
import { findInstallation, listInstallations } from './installations.ts';

const DAY_MS = 86_400_000;

describeOnPostgres('the installations', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test("show a boat's tokens without the revoked and the expired ones, in the list and for one boat", async () => {
    const { store } = open();
    const world = { store, wallMs: NOON_MS, randomHex: systemRandomHex };
    const installationId = systemRandomHex(8);
    const countAt = async (afterMs: number): Promise<readonly (number | undefined)[]> => {
      const nowIso = new Date(NOON_MS + afterMs).toISOString();
      const listed = await listInstallations(store, nowIso).next();
      return [
        listed.value?.find((boat) => boat.installation_id === installationId)?.live_tokens,
        (await findInstallation(store, installationId, nowIso))?.live_tokens,
        (await loadBoatDetails(store, installationId, nowIso))?.live_tokens,
      ];
    };
    await enroll(world, { installationId });
    await revoke(world, installationId, 'tokens');
    await enroll(world, { installationId });
    await enroll(world, { installationId, expiresDays: 30 });
    assert.deepEqual(await countAt(30 * DAY_MS - 1), [2, 2, 2]);
    assert.deepEqual(await countAt(30 * DAY_MS), [1, 1, 1]);
  });
});
