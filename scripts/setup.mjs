// Installs the dependencies from the lock file and builds. Then runs the given program with Node 24: `node scripts/setup.mjs
// [PROGRAM.ts [ARGUMENT …]]`. This is plain JavaScript without dependencies, because it runs before Node 24 is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeFolderLock } from './folder-lock.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const stampFile = join(root, 'node_modules', '.d3kos-setup');

/** The manifest keys that affect an install. */
const INSTALL_KEYS = [
  'workspaces',
  'bin',
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'allowScripts',
];

function digestOfManifests() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const folder of [root, ...packages]) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    hash.update(JSON.stringify(INSTALL_KEYS.map((key) => manifest[key])));
  }
  return hash.digest('hex');
}

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error(
    `setup: ${command} ${args[0]} did not finish (${error?.message ?? signal ?? `exit ${status}`}); the next set-up starts again`,
  );
  process.exit(1);
}

function install() {
  const digest = digestOfManifests();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest) return;
  console.error('setup: installing dependencies from the lock file');
  // If this install is interrupted, the previous install's stamp must not be valid.
  rmSync(stampFile, { force: true });
  run('npm', ['ci', '--include=optional', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stampFile, digest);
}

function findNode() {
  const installed = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(installed)) return installed;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  console.error(
    `setup: Node 24 is required, but Node ${process.versions.node} was found; no Node 24 package exists for ${process.platform}-${process.arch}. ` +
      'Install Node 24 and run the command again.',
  );
  process.exit(1);
}

/**
 * Runs a program of this checkout with Node 24 and exits with its code. Ctrl-C reaches the program directly. The shell does not
 * start it after `&&`, because a shell may have cached the path of an older Node.
 */
function runProgram(program, args) {
  const child = spawn(findNode(), ['--conditions=development', program, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const name of SIGNALS) process.on(name, () => name !== 'SIGINT' && child.kill(name));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal !== null) console.error(`${program} was ended by ${signal}`);
  });
}

// Two set-ups in one checkout (`npm start` alongside `npm test`) would overwrite each other's node_modules.
const releaseLock = await takeFolderLock(root, () =>
  console.error('setup: waiting for another set-up of this checkout to end'),
);
// A signal ends this program only after npm has ended. Otherwise npm would keep running during the next set-up.
let endedBy;
for (const name of SIGNALS) process.once(name, () => (endedBy = name));
try {
  install();
  run(findNode(), [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', 'tsconfig.build.json']);
  run(findNode(), [join(root, 'scripts', 'bundle-boat.mjs')]);
  run(findNode(), [join(root, 'scripts', 'bundle-pages.mjs')]);
  // Let the handler of a signal that arrived in the meantime run.
  await new Promise((resolve) => setImmediate(resolve));
} finally {
  releaseLock();
}
if (endedBy !== undefined) {
  console.error(`setup: ended by ${endedBy}`);
  process.exit(1);
}

const [program, ...args] = process.argv.slice(2);
if (program !== undefined) runProgram(program, args);
