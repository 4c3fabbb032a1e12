import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { toSignedText } from '@d3kos/protocol';
import { composeDisk, createDisk } from '../platform/disk.ts';
import { createFileSystem, type FileSystem } from '../platform/disk-file-system.ts';
import type { Disk } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { openBundleKey, parseBundleKey } from './bundle-key.ts';

const root = temporaryRoot('bundle-key');
const ID = '0123456789abcdef';
let folders = 0;

/** Returns a path for a key in a new folder. */
function newPath(): string {
  folders += 1;
  const folder = join(root, String(folders));
  mkdirSync(folder);
  return join(folder, 'bundle_key.pem');
}

async function open(path: string, disk: Disk = createDisk()) {
  const lines: string[] = [];
  const log = {
    write: (_: string, message: string, facts?: unknown) =>
      void lines.push(`${message} ${JSON.stringify(facts)}`),
  };
  return { key: await openBundleKey({ disk, random: createRandom(), log }, path), log: lines.join('\n') };
}

/** Returns a disk on the real file system, with the given calls replaced. */
const diskWith = (changes: (real: FileSystem) => Partial<FileSystem>): Disk => {
  const real = createFileSystem();
  return composeDisk({ ...real, ...changes(real) }, createRandom());
};

const fail = (code: string): never => {
  throw Object.assign(new Error(`the card reports ${code}`), { code });
};

test('the key is created once, is accessible only to its own user account, and produces signatures that central can verify', async () => {
  const path = newPath();
  const first = await open(path);
  const again = await open(path);
  assert.ok(first.key !== undefined && again.key !== undefined);
  assert.equal(again.key.publicKey, first.key.publicKey);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(first.log, '');
  const x = first.key.publicKey;
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const isValid = (id: string, text: string, signature: string): boolean =>
    verify(null, Buffer.from(toSignedText(id, text)), publicKey, Buffer.from(signature, 'base64url'));
  const signature = again.key.sign(ID, '{"a":1}');
  assert.ok(isValid(ID, '{"a":1}', signature));
  assert.ok(!isValid(ID, '{"a":2}', signature));
  assert.ok(!isValid('fedcba9876543210', '{"a":1}', signature));
  assert.notEqual((await open(newPath())).key?.publicKey, x, 'every boat has its own key');
});

test('if the card cannot store the key, there is no key, and no partial file is left behind', async () => {
  for (const step of ['write', 'sync', 'rename'] as const) {
    const path = newPath();
    const disk = diskWith((real) =>
      step === 'rename'
        ? { rename: () => fail('EROFS') }
        : {
            create: async (file, readers) => ({
              ...(await real.create(file, readers)),
              [step]: () => fail('ENOSPC'),
            }),
          },
    );
    const { key, log } = await open(path, disk);
    assert.equal(key, undefined, step);
    assert.match(log, /not signed/, step);
    assert.ok(!existsSync(path), step);
    assert.deepEqual(readdirSync(join(path, '..')), [], step);
    assert.ok((await open(path)).key !== undefined, 'the next start creates one');
  }
});

test('keeps and reports a damaged key file, and never quotes it in a message', async () => {
  const path = newPath();
  await open(path);
  const good = readFileSync(path, 'latin1');
  const secret = good.split('\n')[1] ?? '';
  for (const content of ['', good.slice(0, 60), good.replace(/^M/m, '!'), `${secret}\n`]) {
    writeFileSync(path, content);
    const { key, log } = await open(path);
    assert.equal(key, undefined, content);
    assert.match(log, /bundle_key\.pem is damaged/);
    assert.ok(!log.includes(secret.slice(-20)));
    assert.equal(readFileSync(path, 'latin1'), content, 'does not treat an unreadable key as missing');
  }
  writeFileSync(path, good);
  chmodSync(path, 0o600);
  assert.ok((await open(path)).key !== undefined);
  const large = newPath();
  writeFileSync(large, 'x'.repeat(5_000));
  assert.equal((await open(large)).key, undefined);
  assert.equal(parseBundleKey('not a key'), undefined);
});
