import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Machine, SHORE_ADDRESS } from './booted-machine.ts';
import { runHost } from './booted-root.ts';

/** The URL of central. The machine's hosts file and the certificate contain its host name. */
export const CENTRAL_URL = 'https://central.lan:8443';

/** Forwards TLS connections to central, as a proxy in front of it does. */
const TLS_PROXY = `
const tls = require('node:tls'); const net = require('node:net'); const fs = require('node:fs');
const [folder, host] = process.argv.slice(1);
tls.createServer({ key: fs.readFileSync(folder + '/key.pem'), cert: fs.readFileSync(folder + '/cert.pem') }, (boat) => {
  const central = net.connect(8095, '127.0.0.1');
  for (const socket of [boat, central]) socket.on('error', () => { boat.destroy(); central.destroy(); });
  boat.pipe(central).pipe(boat);
}).listen(8443, host, () => console.log('listening'));
`;

/** Central as installed by its package, on the shore side of the cable, with its embedded PostgreSQL and TLS. */
export interface Shore {
  /** Runs a `d3kos-central` command and returns its JSON output. */
  central(...args: readonly string[]): Promise<Record<string, unknown>>;
}

/** Starts central from the unpacked package below `folder`. The machine trusts the authority that issued its certificate. */
export async function startShore(machine: Machine, debianPackage: string, folder: string): Promise<Shore> {
  mkdirSync(folder);
  await runHost('dpkg-deb', '--extract', debianPackage, folder);
  const library = join(folder, 'usr', 'lib', 'd3kos-central');
  const program = [join(library, 'bin', 'node'), join(library, 'd3kos-central.mjs')] as const;
  const environment = { CENTRAL_DATA_DIR: join(folder, 'data'), TMPDIR: folder };
  await makeCertificate(folder, 'DNS:central.lan');
  copyFileSync(join(folder, 'cert.pem'), join(machine.root, 'etc', 'central.pem'));
  const central = machine.onShore(program[0], [program[1], 'serve'], environment);
  const proxy = machine.onShore(program[0], ['-e', TLS_PROXY, folder, SHORE_ADDRESS], {});
  for (const { stdout } of [central, proxy]) if (stdout !== null) await once(createInterface(stdout), 'line');
  return {
    async central(...args) {
      const output = await runHost(
        'env',
        ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        ...program,
        ...args,
        '--json',
      );
      // Every command prints one JSON object with --json.
      return JSON.parse(output) as Record<string, unknown>;
    },
  };
}

/** Writes `cert.pem` and `key.pem` for a server with this name or address, such as `IP:10.77.0.2`. */
export async function makeCertificate(folder: string, name: string): Promise<void> {
  const settings = join(folder, 'openssl.cnf');
  writeFileSync(settings, '[req]\ndistinguished_name=name\n[name]\n');
  await runHost(
    'openssl',
    ...[
      'req',
      '-config',
      settings,
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=central.lan',
    ],
    ...['-addext', `subjectAltName=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  );
}
