import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { boatlogCollector } from '../../packages/boat/src/collect/boatlog.ts';
import { collectAll, createTestContext } from '../../packages/boat/src/collect/collection-for-tests.ts';
import { marineVisionCapturesCollector } from '../../packages/boat/src/collect/marine-vision-captures.ts';
import { systemAlertsCollector } from '../../packages/boat/src/collect/system-alerts.ts';
import { toBoatPlaces } from '../../packages/sim/src/fixture/index.ts';
import { wordTexts, utf8 } from '../inputs.ts';
import type { Target } from '../target.ts';

const DATABASES = [
  [boatlogCollector, 'data/boatlog/boatlog.db'],
  [marineVisionCapturesCollector, 'data/marine-vision/captures.db'],
  [systemAlertsCollector, 'data/self-healing/issues.db'],
] as const;

const WORDS = [
  'SQLite format 3\0',
  'CREATE TABLE boatlog_entries (entry_id INTEGER PRIMARY KEY, timestamp TEXT, content TEXT)',
  'CREATE TABLE captures (id, timestamp)',
  'CREATE TABLE issues (id, timestamp, metrics)',
  'tableissuesissues',
  '\u0000',
  '\u0005',
  '\r',
] as const;

let folder: string | undefined;

/** A folder for this thread's databases. */
function useFolder(): string {
  if (folder !== undefined) return folder;
  const made = mkdtempSync(join(tmpdir(), 'd3kos-fuzz-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  for (const [, name] of DATABASES) mkdirSync(dirname(join(made, name)), { recursive: true });
  folder = made;
  return made;
}

/** Files in place of the source databases: every category ends with a state, and every line is a record. */
export const databases: Target = {
  name: 'databases',
  generate: utf8(wordTexts(WORDS, 6)),
  words: WORDS,
  async check(bytes) {
    const root = useFolder();
    for (const [collector, name] of DATABASES) {
      writeFileSync(join(root, name), bytes);
      // Files that SQLite created next to an earlier input must not affect this one.
      for (const suffix of ['-wal', '-shm', '-journal'])
        rmSync(join(root, `${name}${suffix}`), { force: true });
      for (const mode of ['incremental', 'full'] as const) {
        const { outcome } = await collectAll(
          collector,
          createTestContext(toBoatPlaces(root), undefined, { mode }),
        );
        assert.ok(outcome.state.length > 0);
      }
    }
  },
};
