import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-folder-lock-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Starts a process that takes the lock for `folder`, prints `waits` and `taken`, and then holds the lock until it receives input.
 */
function startHolder(): ChildProcess {
  const module = JSON.stringify(join(import.meta.dirname, 'folder-lock.mjs'));
  const code = `
    const { takeFolderLock } = await import(${module});
    const letNextIn = await takeFolderLock(${JSON.stringify(folder)}, () => console.log('waits'));
    console.log('taken');
    process.stdin.once('data', letNextIn);`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function said({ stdout }: ChildProcess): Promise<string> {
  assert.ok(stdout !== null);
  const [data] = (await once(stdout, 'data')) as [Buffer];
  return data.toString('utf8').trim();
}

test('a second process waits for the first, and killing the first lets the second continue', async () => {
  const holders: ChildProcess[] = [];
  const start = () => {
    const holder = startHolder();
    holders.push(holder);
    return holder;
  };
  try {
    const first = start();
    assert.equal(await said(first), 'taken');
    const second = start();
    assert.equal(await said(second), 'waits');
    first.kill('SIGKILL');
    assert.equal(await said(second), 'taken');
    const third = start();
    assert.equal(await said(third), 'waits');
    second.stdin?.end('done\n');
    assert.equal(await said(third), 'taken');
  } finally {
    for (const holder of holders) holder.kill('SIGKILL');
  }
});
