import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { systemWall } from '@d3kos/central';
import { erase } from '../packages/central/src/retention/erase.ts';
import { INSTALLATION } from '../tests/support/boat-in-process.ts';
import {
  type CentralPlace,
  enrollAt,
  placeCentral,
  type Processes,
  startCentral,
  withCentralStore,
} from '../tests/support/processes.ts';
import { CENTRAL_NAME } from './boat-system.ts';

const execute = promisify(execFile);

/**
 * The proxy's loopback port. It is fixed because the saved boat's settings contain it. IANA has not assigned it.
 */
const PROXY_PORT = 18_443;
/** Central's URL for the boat. */
export const SHORE_URL = `https://${CENTRAL_NAME}:${PROXY_PORT}`;
/** The certificate must be valid for as long as the card may stay in the cache. */
const CERTIFICATE_DAYS = 3_650;

/** Names of the key and the certificate in the card's folder. */
const KEY_FILE = 'central-key.pem';
const CERTIFICATE_FILE = 'central.pem';

/** The host's side: central with its embedded PostgreSQL, behind a proxy that terminates TLS. All ports are on loopback. */
export interface Shore {
  readonly central: CentralPlace;
  /** Makes central forget the boat, and enrols it again. Returns its token. */
  enrollAgain(): Promise<string>;
}

/** Starts central and its proxy with the certificate in `folder`. They end with `processes`. */
export async function startShore(processes: Processes, folder: string): Promise<Shore> {
  const central = await placeCentral(processes);
  await startCentral(processes, central);
  const proxy = createServer(
    { key: readFileSync(join(folder, KEY_FILE)), cert: readFileSync(join(folder, CERTIFICATE_FILE)) },
    (boat) => {
      const upstream = connect(central.port, '127.0.0.1');
      for (const socket of [boat, upstream])
        // The boat loses its power and its link.
        socket
          .on('error', () => undefined)
          .on('close', () => {
            boat.destroy();
            upstream.destroy();
          });
      boat.pipe(upstream).pipe(boat);
    },
  );
  proxy.on('tlsClientError', () => undefined);
  proxy.listen(PROXY_PORT, '127.0.0.1');
  await once(proxy, 'listening').catch((cause: unknown) => {
    throw new Error(`port ${PROXY_PORT} is not free; end the other run of the boat lab`, { cause });
  });
  // Connections from a boat that lost power stay open. They must not keep this process alive.
  proxy.unref();
  processes.atEnd(() => void proxy.close());
  let isEnrolled = false;
  return {
    central,
    async enrollAgain() {
      if (isEnrolled)
        await withCentralStore(central, (store) => erase({ store, wallMs: systemWall() }, INSTALLATION));
      isEnrolled = true;
      return enrollAt(central, INSTALLATION);
    },
  };
}

/**
 * Creates a certificate that is valid from now on. After a start, the boat's clock is earlier, so the boat refuses the certificate.
 */
export async function makeCertificate(folder: string): Promise<string> {
  const settings = join(folder, 'openssl.cnf');
  writeFileSync(settings, '[req]\ndistinguished_name=name\n[name]\n');
  await execute('openssl', [
    ...['req', '-config', settings, '-x509', '-newkey', 'rsa:2048', '-nodes'],
    ...['-days', String(CERTIFICATE_DAYS), '-subj', `/CN=${CENTRAL_NAME}`],
    ...['-addext', `subjectAltName=DNS:${CENTRAL_NAME}`, '-addext', 'basicConstraints=critical,CA:TRUE'],
    ...['-keyout', join(folder, KEY_FILE), '-out', join(folder, CERTIFICATE_FILE)],
  ]);
  rmSync(settings);
  return readFileSync(join(folder, CERTIFICATE_FILE), 'utf8');
}
