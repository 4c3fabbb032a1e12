import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createLoopbackDaemon } from './testing/loopback-daemon.ts';

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'd3kos-export.js');
const main = join(import.meta.dirname, '..', 'main.ts');
const root = temporaryRoot('program');

/** Starts the program on an empty root. */
function start(argv: readonly string[], port: number): ChildProcess {
  return spawn(process.execPath, ['--conditions=development', main, ...argv], {
    env: { ...process.env, D3KOS_ROOT: root, EXPORT_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', (code) => resolve(code)));

test('on an outdated Node version, prints one line with the required version', () => {
  const written: string[] = [];
  const fake = {
    versions: { node: '20.11.1' },
    stderr: { write: (text: string) => written.push(text) },
    exitCode: 0,
  };
  runInNewContext(readFileSync(launcher, 'utf8').replace(/^#!.*/, ''), { process: fake });
  assert.equal(fake.exitCode, 1);
  assert.match(
    written.join(''),
    /^d3kos-export needs Node 24 and was started by 20\.11\.1: .*npm run setup.*\n$/,
  );
});

test('in a checkout that is not built, prints the command to run', () => {
  const bin = join(root, 'unbuilt', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(root, 'unbuilt', 'package.json'), '{"type":"module"}');
  copyFileSync(launcher, join(bin, 'd3kos-export.js'));
  const { status, stderr } = spawnSync(process.execPath, [join(bin, 'd3kos-export.js')], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.equal(stderr, 'd3kos-export is not built yet: run `npm run setup` in the checkout\n');
});

test('the launcher is executable', () => {
  assert.notEqual(statSync(launcher).mode & 0o111, 0);
});

test('the process exits immediately with the exit code', async () => {
  const { port } = await createLoopbackDaemon();
  assert.equal(await ended(start(['status'], port)), 3);
  assert.equal(await ended(start(['status', '--fast'], port)), 2);
});

test('Ctrl-C ends a waiting command with exit code 130', async () => {
  const { port } = await createLoopbackDaemon();
  const child = start(['boot'], port);
  const end = ended(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  child.kill('SIGINT');
  assert.equal(await end, 130);
});
