// Brings a bare clone to a runnable state: dependencies from the lock file, then built JavaScript.
// Plain JavaScript without dependencies, because it is the one file that runs before Node 24 is there.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
const stampFile = join(root, 'node_modules', '.d3kos-setup');
const lockFolder = join(root, '.setup-lock');

/** Longest one set-up may hold the lock: an install over a slow link, measured at 20 s here, with room. */
const SETUP_LOCK_MAX_MS = 10 * 60_000;

function digestOfManifests() {
  const hash = createHash('sha256');
  for (const file of [
    join(root, 'package-lock.json'),
    join(root, 'package.json'),
    ...packages.map((p) => join(p, 'package.json')),
  ])
    if (existsSync(file)) hash.update(readFileSync(file));
  return hash.digest('hex');
}

function run(command, args) {
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Two set-ups in one checkout (`npm start` beside `npm test`) would overwrite each other's node_modules. */
function takeLock() {
  for (;;) {
    try {
      mkdirSync(lockFolder);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const heldMs = Date.now() - statSync(lockFolder, { throwIfNoEntry: false })?.mtimeMs;
      if (heldMs > SETUP_LOCK_MAX_MS) rmSync(lockFolder, { recursive: true, force: true });
      else sleep(250);
    }
  }
}

function install() {
  const digest = digestOfManifests();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest) return;
  console.error('setup: installing dependencies from the lock file');
  run('npm', ['ci', '--include=optional', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stampFile, digest);
}

function findNode() {
  const installed = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(installed)) return installed;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  console.error(
    `setup: this needs Node 24 and found ${process.versions.node}; no Node 24 package exists for ${process.platform}-${process.arch}. ` +
      'Install Node 24 and run the command again.',
  );
  process.exit(1);
}

takeLock();
try {
  install();
  run(findNode(), [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', 'tsconfig.build.json']);
} finally {
  rmSync(lockFolder, { recursive: true, force: true });
}
