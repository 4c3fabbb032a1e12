import { existsSync, readFileSync } from 'node:fs';
import { toSpoolPaths } from '@d3kos/boat';
import type { SimMachine } from '../machine.ts';
import { ROOT } from '../places.ts';
import type { Violate } from './violations.ts';

/** The only file that may contain a device token. */
const CREDENTIALS = `${ROOT}/config/export-credentials.json`;

/** The only file that may contain the private bundle key. */
const BUNDLE_KEY = toSpoolPaths(ROOT).bundleKey;

/**
 * Checks that no device token and no private key is in any other file on the card, in the ledger or in the trace. The trace
 * includes the boat's log.
 */
export function checkSecrets(
  { medium, databases }: SimMachine,
  tokens: readonly string[],
  traceLines: readonly string[],
  violate: Violate,
): void {
  const [, privateKey] = Buffer.from(medium.get(BUNDLE_KEY) ?? [])
    .toString('latin1')
    .split('\n');
  const contents = new Map<string, Buffer>();
  for (const path of medium.paths())
    if (path !== CREDENTIALS && path !== BUNDLE_KEY) contents.set(path, Buffer.from(medium.get(path) ?? []));
  for (const suffix of ['', '-wal']) {
    const path = `${databases.realPath(toSpoolPaths(ROOT).ledger)}${suffix}`;
    if (existsSync(path)) contents.set(`the ledger${suffix}`, readFileSync(path));
  }
  for (const token of privateKey === undefined || privateKey === '' ? tokens : [...tokens, privateKey]) {
    for (const [path, bytes] of contents) if (bytes.includes(token)) violate(`a secret is in ${path}`);
    if (traceLines.some((line) => line.includes(token))) violate('a secret is in the log');
  }
}
