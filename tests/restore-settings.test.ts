import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { INSTALLATION, prepareBoat } from './support/boat-in-process.ts';
import { deliverEverything } from './support/deliver-everything.ts';
import {
  createProcesses,
  enrollAt,
  freePort,
  NO_SERVER,
  placeCentral,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  toEnding,
} from './support/processes.ts';

/** Parses the last line of JSON in the output. */
function toJson(output: string): Record<string, unknown> {
  return JSON.parse(output.split('\n').findLast((line) => line.startsWith('{')) ?? '{}');
}

test('a reflashed boat gets its settings back from central, and nothing else', async (t) => {
  const processes = createProcesses(toEnding(t));
  const root = join(processes.folder('restore'), 'boat');
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
  prepareBoat({ root }, token);
  const place = { root, port: await freePort(), centralUrl: central.url };
  await startCentral(processes, central);
  const daemon = await startDaemon(processes, place);
  await deliverEverything(daemon);
  await daemon.stop();

  // The new card has the licence and the token, which enrolment writes. The old card no longer exists.
  const reflashed = { ...place, root: join(processes.folder('reflashed'), 'boat') };
  mkdirSync(join(reflashed.root, 'config'), { recursive: true });
  for (const name of ['license.json', 'export-credentials.json'])
    cpSync(join(root, 'config', name), join(reflashed.root, 'config', name));
  const restore = (centralUrl: string, ...args: readonly string[]) =>
    processes.run('boat', ['restore', '--json', ...args], toBoatEnvironment({ ...reflashed, centralUrl }));

  const unreachable = await restore(NO_SERVER, '--write');
  assert.deepEqual([unreachable.code, toJson(unreachable.output)['code']], [3, 'CENTRAL_UNREACHABLE']);
  const shown = await restore(central.url);
  assert.deepEqual([shown.code, toJson(shown.output)['written']], [0, false], shown.output);
  assert.ok(!existsSync(join(reflashed.root, 'config/onboarding.json')), 'showing the plan writes nothing');

  const written = await restore(central.url, '--write');
  assert.equal(written.code, 0, written.output);
  const read = (at: string, name: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(at, name), 'utf8'));
  for (const name of ['onboarding', 'user-preferences', 'community-prefs']) {
    const restored = read(reflashed.root, `config/${name}.json`);
    assert.ok(Object.keys(restored).length > 1, name);
    const original = read(root, `config/${name}.json`);
    for (const [key, value] of Object.entries(restored))
      assert.deepEqual(value, original[key], `${name} ${key}`);
  }
  assert.deepEqual(read(reflashed.root, 'config/license.json'), read(root, 'config/license.json'));

  const again = await restore(central.url, '--write');
  const files = toJson(again.output)['files'];
  assert.ok(Array.isArray(files) && files.length > 3);
  assert.deepEqual(new Set(files.map(({ action }) => action)), new Set(['unchanged']));
});
