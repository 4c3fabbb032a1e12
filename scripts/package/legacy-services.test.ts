import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';

const SCRIPT = join(import.meta.dirname, '..', '..', 'deploy', 'debian', 'legacy-services.sh');

const folder = mkdtempSync(join(tmpdir(), 'd3kos-legacy-services-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const list = join(folder, 'state', 'undelivered');

/** Runs `commands` with the script's functions. `setpriv` runs `rollback` instead of the export manager. */
function runScript(commands: string, rollback: string): ReturnType<typeof spawnSync> {
  const programs = join(folder, 'bin');
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, 'setpriv'), `#!/bin/sh\n${rollback}\n`, { mode: 0o755 });
  return spawnSync('sh', ['-c', `. ${SCRIPT}; UNDELIVERED=${list}; ${commands}`], {
    env: { PATH: [programs, process.env['PATH']].join(delimiter) },
    encoding: 'utf8',
  });
}

const HAND_OVER = 'hand_over || echo failed';

test('the undelivered files are listed only if the queue was handed over', () => {
  const { stdout } = runScript(HAND_OVER, 'echo /opt/d3kos/data/exports/exports/one.json');
  assert.equal(stdout, '');
  assert.equal(readFileSync(list, 'utf8'), '/opt/d3kos/data/exports/exports/one.json\n');
  // A list from an earlier removal does not contain the exports that were created since.
  const failed = runScript(HAND_OVER, 'echo /opt/d3kos/data/exports/exports/one.json; exit 6');
  assert.equal(failed.stdout, 'failed\n');
  assert.ok(!existsSync(list));
});
