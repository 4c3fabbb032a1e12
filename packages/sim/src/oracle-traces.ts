import { deepStrictEqual } from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { type Boat, toSpoolPaths } from '@d3kos/boat';
import type { DiskMedium } from './disk-medium.ts';
import { ROOT } from './places.ts';
import type { SimMachine } from './machine.ts';

type Violate = (text: string) => void;

/** The one file in which a device token may be. */
const CREDENTIALS = `${ROOT}/config/export-credentials.json`;

/** No device token is in a file on the card, in a line of the log or in a name. */
export function checkSecrets(
  machine: SimMachine,
  tokens: readonly string[],
  lines: readonly string[],
  violate: Violate,
): void {
  const { medium, databases } = machine;
  const places = new Map<string, Buffer>();
  for (const path of medium.paths())
    if (path !== CREDENTIALS) places.set(path, Buffer.from(medium.get(path) ?? []));
  for (const suffix of ['', '-wal']) {
    const path = `${databases.realPath(toSpoolPaths(ROOT).ledger)}${suffix}`;
    if (existsSync(path)) places.set(`the ledger${suffix}`, readFileSync(path));
  }
  for (const token of tokens) {
    for (const [path, bytes] of places) if (bytes.includes(token)) violate(`a device token is in ${path}`);
    if (lines.some((line) => line.includes(token))) violate('a device token is in the log');
  }
}

/** The JSON views say what the ledger says. */
export function checkViews(medium: DiskMedium, boat: Boat, violate: Violate): void {
  const paths = toSpoolPaths(ROOT);
  const ids = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(({ queue_id, status, export_file, retry_count }) => ({
          queue_id,
          status,
          export_file,
          retry_count,
        }))
      : value;
  const view = (path: string): Readonly<Record<string, unknown>> =>
    JSON.parse(Buffer.from(medium.get(path) ?? []).toString('utf8'));
  try {
    const queue = view(paths.queueFile);
    for (const status of ['pending', 'uploading', 'completed', 'failed'] as const)
      deepStrictEqual(
        ids(queue[status]),
        boat.ledger.queue.list(status).map((entry) => ({
          queue_id: entry.queueId,
          status: entry.status,
          export_file: entry.exportFile,
          retry_count: entry.retryCount,
        })),
      );
    const exports: unknown = view(paths.historyFile)['exports'];
    deepStrictEqual(
      Array.isArray(exports) ? exports.map((row) => row.queue_id) : exports,
      boat.ledger.queue
        .history(10_000)
        .toReversed()
        .map((row) => row.queueId),
    );
  } catch (error) {
    violate(
      `the JSON views differ from the ledger: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** An attempt was spent: the log's line of it. */
const SPENT = /^\d+(?:\.\d+)? boat info Export upload failed: (q_\S+): .*(?:Retry|No retry left)/;
/** The look at central's health that goes before it, answered by central or by a gateway that stands for it: a 5xx is one's without its body, too. */
const ANSWERED =
  / net \d+ GET \/api\/v1\/health (?:(?:none|request_doubled|gateway_50\d) \d+|answer_short 5\d\d)$/;

/** No attempt is spent unless central, or a gateway before it, answered the look at it that came just before. */
export function checkAttempts(lines: readonly string[], violate: Violate): void {
  let lastProbe = '';
  for (const line of lines) {
    if (line.includes(' GET /api/v1/health ')) lastProbe = line;
    const queueId = SPENT.exec(line)?.[1];
    if (queueId !== undefined && !ANSWERED.test(lastProbe))
      violate(`${queueId} spent an attempt while central was not reached: ${line} after ${lastProbe}`);
  }
}
