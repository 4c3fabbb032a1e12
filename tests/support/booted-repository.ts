import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Machine, SHORE_ADDRESS } from './booted-machine.ts';
import { runHost } from './booted-root.ts';

/** Address of the web server that serves the repository. */
export const REPOSITORY_URL = `http://${SHORE_ADDRESS}:8080`;

/** Serves a folder's files, as any web server does. */
const WEB_SERVER = `
const http = require('node:http'); const fs = require('node:fs'); const path = require('node:path');
const [folder, host] = process.argv.slice(1);
http.createServer((request, response) => {
  const file = path.join(folder, path.normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname)));
  fs.stat(file, (error, facts) => {
    if (error || !facts.isFile()) return response.writeHead(404).end();
    response.writeHead(200, { 'content-length': facts.size, 'last-modified': facts.mtime.toUTCString() });
    fs.createReadStream(file).pipe(response);
  });
}).listen(8080, host, () => console.log('listening'));
`;

/** Serves the files of `folder` to the machine until the machine is removed. */
export async function serveFolder(machine: Machine, folder: string): Promise<void> {
  const { stdout } = machine.onShore(process.execPath, ['-e', WEB_SERVER, folder, SHORE_ADDRESS], {});
  if (stdout !== null) await once(createInterface(stdout), 'line');
}

/** Creates a gpg key without a passphrase below `home`, which must not be a real key ring. */
export async function makeKey(home: string, address: string): Promise<void> {
  mkdirSync(home, { mode: 0o700, recursive: true });
  const options = ['--homedir', home, '--batch', '--passphrase', ''];
  await runHost('gpg', ...options, '--quick-generate-key', `Test <${address}>`, 'ed25519', 'sign', 'never');
}
