import { existsSync, readFileSync } from 'node:fs';
import { toSpoolPaths } from '@d3kos/boat';
import type { SimMachine } from '../machine.ts';
import { ROOT } from '../places.ts';
import type { Violate } from './violations.ts';

/** The only file that may contain a device token. */
const CREDENTIALS = `${ROOT}/config/export-credentials.json`;

/**
 * Checks that no device token is in any other file on the card, in the ledger or in the trace. The trace includes the boat's log.
 */
export function checkSecrets(
  { medium, databases }: SimMachine,
  tokens: readonly string[],
  traceLines: readonly string[],
  violate: Violate,
): void {
  const contents = new Map<string, Buffer>();
  for (const path of medium.paths())
    if (path !== CREDENTIALS) contents.set(path, Buffer.from(medium.get(path) ?? []));
  for (const suffix of ['', '-wal']) {
    const path = `${databases.realPath(toSpoolPaths(ROOT).ledger)}${suffix}`;
    if (existsSync(path)) contents.set(`the ledger${suffix}`, readFileSync(path));
  }
  for (const token of tokens) {
    for (const [path, bytes] of contents) if (bytes.includes(token)) violate(`a device token is in ${path}`);
    if (traceLines.some((line) => line.includes(token))) violate('a device token is in the log');
  }
}
