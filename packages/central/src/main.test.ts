import { strict as assert } from 'node:assert';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chown, cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import type { Receipt } from '@d3kos/protocol';
import { toBoatlog, toDocument, toImportRequest } from './testing/central-under-test.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const ID = '0123456789abcdef';

/** The usual id of `daemon`, an account that exists on every machine and that none of our programs uses. */
const SERVICE_ACCOUNT = 1;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real program from the checkout on its own data folder. */
function nodeArguments(args: readonly string[]): string[] {
  return ['--conditions=development', '--disable-warning=ExperimentalWarning', MAIN, ...args];
}

function environment(dataDir: string, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, ...rest } = process.env;
  return { ...rest, CENTRAL_DATA_DIR: dataDir, CENTRAL_PORT: '0', ...more };
}

function run(dataDir: string, ...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      nodeArguments(args),
      { env: environment(dataDir) },
      (error, stdout, stderr) => {
        resolve({
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        });
      },
    );
  });
}

interface Serving {
  readonly url: string;
  readonly child: ChildProcess;
}

async function serve(dataDir: string, account: { uid?: number; gid?: number } = {}): Promise<Serving> {
  const child = spawn(process.execPath, nodeArguments(['serve', '--json']), {
    env: environment(dataDir),
    stdio: ['ignore', 'pipe', 'inherit'],
    ...account,
  });
  assert.ok(child.stdout !== null);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { listening } = JSON.parse(line) as { listening: string };
  return { url: listening, child };
}

async function endBy(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  const ended = once(child, 'exit');
  child.kill(signal);
  const [code] = (await ended) as [number | null];
  return code;
}

async function send(url: string, token: string, sequence = 1): Promise<Receipt> {
  const boat = { id: ID, token };
  const document = toDocument(boat, { sequence, data: toBoatlog([{ record_id: String(sequence) }]) });
  const request = toImportRequest(boat, document, { coding: 'gzip' });
  const answer = await fetch(new Request(new URL(new URL(request.url).pathname, url), request));
  assert.equal(answer.status, 200);
  return (await answer.json()) as Receipt;
}

describe('d3kos-central, as a process', () => {
  let dataDir = '';
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'central-main-'));
  });
  after(async () => {
    await rm(dataDir, { recursive: true });
  });

  test('enrols a boat, keeps acknowledged imports over kill -9, and stops cleanly', async () => {
    const enrolled = await run(dataDir, 'enroll', ID, '--tier', '2', '--json');
    assert.equal(enrolled.code, 0, enrolled.stderr);
    const { token } = JSON.parse(enrolled.stdout) as { token: string };
    assert.equal(Buffer.from(token, 'base64url').length, 32);

    const first = await serve(dataDir);
    const receipt = await send(first.url, token);
    assert.equal(receipt.duplicate, false);
    await endBy(first.child, 'SIGKILL');

    const second = await serve(dataDir);
    assert.deepEqual(await send(second.url, token), { ...receipt, duplicate: true });

    // A command uses the database of the running node.
    const shown = await run(dataDir, 'show', ID, '--json');
    assert.equal(shown.code, 0, shown.stderr);
    assert.ok(!shown.stdout.includes(token));
    const facts = JSON.parse(shown.stdout) as { documents: number; categories: { records: number }[] };
    assert.equal(facts.documents, 1);
    assert.equal(
      facts.categories.reduce((sum, { records }) => sum + records, 0),
      1,
    );

    // A second node on the same folder is refused and does not affect the first.
    const third = await run(dataDir, 'serve');
    assert.equal(third.code, 4);
    assert.match(third.stderr, /DATA_DIR_IN_USE/);
    assert.equal((await run(dataDir, 'revoke', ID, '--json')).code, 0);

    const socketDir =
      (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[4] ?? '';
    assert.equal((await stat(socketDir)).mode & 0o777, 0o700);
    assert.equal(await endBy(second.child, 'SIGTERM'), 0);
    await assert.rejects(stat(socketDir), { code: 'ENOENT' });
    await assert.rejects(stat(join(dataDir, 'postgres', 'postmaster.pid')), { code: 'ENOENT' });
    assert.deepEqual((await readdir(dataDir)).sort(), ['postgres', 'postgres.log']);
  });

  test('commits durably: PostgreSQL runs with fsync and synchronous commits', async () => {
    const running = await serve(dataDir);
    const pid = Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    for (const setting of ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on', 'listen_addresses='])
      assert.ok(commandLine.includes(setting), setting);
    assert.equal(await endBy(running.child, 'SIGTERM'), 0);
  });

  test('exits with 1 if its database is killed, and keeps the stored data', async () => {
    const running = await serve(dataDir);
    const pid = Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    const ended = once(running.child, 'exit');
    process.kill(pid, 'SIGKILL');
    assert.deepEqual(await ended, [1, null]);
    const shown = await run(dataDir, 'show', ID, '--json');
    assert.equal(shown.code, 0, shown.stderr);
  });

  test('a data folder restored from a copy recognizes duplicates, and names the exports that arrived after the copy as missing', async () => {
    const [folder, copy] = [await mkdtemp(join(tmpdir(), 'central-live-')), join(dataDir, 'copy')];
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
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('accepts commands from root while a different account runs the node, and keeps running', async (context) => {
    if (process.getuid?.() !== 0)
      return context.skip('only root may run commands on the node of a different account');
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
      // Without a running node, root would have to change the owner of the folder.
      const refused = await run(folder, 'list');
      assert.equal(refused.code, 5);
      assert.match(refused.stderr, /sudo -u '#1'/);
      assert.equal((await stat(join(folder, 'postgres'))).uid, SERVICE_ACCOUNT);
    } finally {
      running.child.kill('SIGKILL');
      await rm(folder, { recursive: true });
    }
  });

  test('a port in use is reported with the fix, and no database keeps running', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = String(typeof address === 'object' ? address?.port : '');
    try {
      const refused = await run(dataDir, 'serve', '--port', port, '--json');
      assert.equal(refused.code, 4);
      assert.match(refused.stderr, new RegExp(`port ${port} .*in use`));
      assert.match(refused.stderr, /CENTRAL_PORT/);
      assert.equal((JSON.parse(refused.stdout) as { code: string }).code, 'PORT_IN_USE');
      await assert.rejects(stat(join(dataDir, 'postgres', 'postmaster.pid')), { code: 'ENOENT' });
    } finally {
      taken.close();
    }
  });

  test('reports each invalid command or setting with its code and exit code', async () => {
    const cases: readonly (readonly [string, number, RegExp])[] = [
      ['enroll 0123', 2, /INSTALLATION_ID_INVALID/],
      ['show ffffffffffffffff', 3, /INSTALLATION_NOT_FOUND/],
      ['fly', 2, /USAGE/],
      ['serve --port many', 2, /CENTRAL_PORT/],
    ];
    for (const [line, code, text] of cases) {
      const ended = await run(dataDir, ...line.split(' '));
      assert.equal(ended.code, code, line);
      assert.match(ended.stderr, text);
    }
  });
});
