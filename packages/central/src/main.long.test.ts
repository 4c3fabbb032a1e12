import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { chown, cp, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { endBy, ID, MAIN, run, send, serve } from './testing/central-process.ts';

/** The usual user ID of `daemon`, an account that exists on every machine and that none of our programs uses. */
const SERVICE_ACCOUNT = 1;

test('a data folder restored from a copy recognises duplicates, and reports the exports that arrived after the copy as missing', async () => {
  const [folder, copy] = [
    await mkdtemp(join(tmpdir(), 'central-live-')),
    await mkdtemp(join(tmpdir(), 'central-copy-')),
  ];
  const holding = async () => {
    const shown = await run(folder, 'show', ID, '--json');
    assert.equal(shown.code, 0, shown.stderr);
    return JSON.parse(shown.stdout) as { documents: number; missing_sequences: number[] };
  };
  try {
    const enrolled = await run(folder, 'enroll', ID, '--json');
    const { token } = JSON.parse(enrolled.stdout) as { token: string };
    const before = await serve(folder);
    for (const sequence of [1, 2]) await send(before.url, token, sequence);
    assert.equal(await endBy(before.child, 'SIGTERM'), 0);
    await cp(folder, copy, { recursive: true, preserveTimestamps: true });

    const after = await serve(folder);
    for (const sequence of [3, 4]) await send(after.url, token, sequence);
    await endBy(after.child, 'SIGKILL');
    assert.equal((await holding()).documents, 4);
    await rm(folder, { recursive: true });
    await cp(copy, folder, { recursive: true, preserveTimestamps: true });

    const restored = await serve(folder);
    assert.equal((await send(restored.url, token, 2)).duplicate, true);
    assert.equal((await send(restored.url, token, 5)).duplicate, false);
    const { documents, missing_sequences } = await holding();
    assert.deepEqual([documents, missing_sequences], [3, [3, 4]]);
    assert.equal(await endBy(restored.child, 'SIGTERM'), 0);
  } finally {
    for (const path of [folder, copy]) await rm(path, { recursive: true, force: true });
  }
});

test('accepts commands from root while the node runs under a different account, and the node keeps running', async (context) => {
  if (process.getuid?.() !== 0)
    return context.skip("only root may run commands on a different account's node");
  if (spawnSync(process.execPath, [MAIN, '--help'], { uid: SERVICE_ACCOUNT }).status !== 0)
    return context.skip('other accounts cannot reach this checkout');
  const folder = await mkdtemp(join(tmpdir(), 'central-account-'));
  await chown(folder, SERVICE_ACCOUNT, SERVICE_ACCOUNT);
  const running = await serve(folder, { uid: SERVICE_ACCOUNT, gid: SERVICE_ACCOUNT });
  try {
    const enrolled = await run(folder, 'enroll', ID, '--json');
    assert.equal(enrolled.code, 0, enrolled.stderr);
    const second = await run(folder, 'serve');
    assert.match(second.stderr, /DATA_DIR_IN_USE/);
    const { token } = JSON.parse(enrolled.stdout) as { token: string };
    assert.equal((await send(running.url, token)).duplicate, false);
    assert.equal(await endBy(running.child, 'SIGTERM'), 0);
    // Without a running node, root would have to change the folder's ownership.
    const refused = await run(folder, 'list');
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /sudo -u '#1'/);
    assert.equal((await stat(join(folder, 'postgres'))).uid, SERVICE_ACCOUNT);
  } finally {
    running.child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
});

test('the conformance kit passes a running central over the network, and fails if nothing listens', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'central-conformance-'));
  try {
    const { token } = JSON.parse((await run(folder, 'enroll', ID, '--json')).stdout) as { token: string };
    const running = await serve(folder);
    const checked = await run(folder, 'conformance', running.url, ID, '--token', token, '--json');
    const { failed, results } = JSON.parse(checked.stdout) as { failed: number; results: { kind: string }[] };
    assert.deepEqual([checked.code, failed], [0, 0], checked.stdout);
    assert.ok(results.length > 30);
    assert.equal(await endBy(running.child, 'SIGTERM'), 0);
    const nothing = await run(folder, 'conformance', running.url, ID, '--token', token);
    assert.equal(nothing.code, 1);
    assert.match(nothing.stdout, /^FAIL {2}R7 {4}.*\n {12}no answer \(/m);
    assert.ok(!nothing.stdout.includes(token));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
