import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { endBy, ID, run, send, serve } from './testing/central-process.ts';

describe('d3kos-central, as a process', () => {
  let dataDir = '';
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'central-main-'));
  });
  after(async () => {
    await rm(dataDir, { recursive: true });
  });

  test('enrols a boat, keeps acknowledged imports after kill -9, and stops cleanly', async () => {
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

    const fleet = await run(dataDir, 'list');
    assert.equal(fleet.code, 0, fleet.stderr);
    assert.match(fleet.stdout, new RegExp(`^installation .*\\n${ID} .*\\n$`));

    // A second node on the same folder is refused and does not affect the first.
    const third = await run(dataDir, 'serve');
    assert.equal(third.code, 4);
    assert.match(third.stderr, /DATA_DIR_IN_USE/);
    const { tokens } = JSON.parse((await run(dataDir, 'tokens', ID, '--json')).stdout) as {
      tokens: { token_id: string; revoked_at: string | null }[];
    };
    assert.equal(tokens.length, 1);
    assert.equal((await run(dataDir, 'revoke', ID, '--token', tokens[0]?.token_id ?? '')).code, 0);
    const listed = await run(dataDir, 'tokens', ID, '--json');
    assert.match(listed.stdout, /"revoked_at":"20/);

    const socketDir =
      (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[4] ?? '';
    assert.equal((await stat(socketDir)).mode & 0o777, 0o700);
    assert.equal(await endBy(second.child, 'SIGTERM'), 0);
    await assert.rejects(stat(socketDir), { code: 'ENOENT' });
    await assert.rejects(stat(join(dataDir, 'postgres', 'postmaster.pid')), { code: 'ENOENT' });
    assert.deepEqual((await readdir(dataDir)).sort(), ['central.lock', 'postgres', 'postgres.log']);
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

  test('a port in use is reported together with the fix, and no database is left running', async () => {
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
