import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { IMPORT_PATH, toContentDigest, toIdempotencyKey } from '@d3kos/protocol';
import type { Answer, Run, Subject } from './check.ts';

/**
 * Maximum size of a decoded answer, in bytes: twice the largest that a boat accepts. A faulty implementation might never end its
 * answer.
 */
const ANSWER_SIZE_MAX_BYTES = 4 * 1_048_576;

/** Begins a run: a new ledger, whose ID no earlier run used. */
export function beginRun(subject: Subject): Run {
  let sequence = 0;
  const exchange = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await subject.send(new Request(`${subject.base}${path}`, init));
    const text = await readText(response);
    return { status: response.status, headers: response.headers, text, json: toObject(text) };
  };
  const authorization = `Bearer ${subject.token}`;
  return {
    subject,
    ledgerId: subject.randomHex(8),
    nextSequence: () => (sequence += 1),
    get: (path, headers = { Authorization: authorization }) => exchange(path, { headers }),
    post: (body, headers) => {
      const all: Record<string, string | undefined> = {
        Authorization: authorization,
        'Content-Type': 'application/json',
        ...headers,
      };
      const present = Object.entries(all).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      return exchange(IMPORT_PATH, { method: 'POST', headers: present, body });
    },
  };
}

/** Reads an answer up to the limit. `send` limits the time. Throws if the answer is longer. */
async function readText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of response.body ?? []) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > ANSWER_SIZE_MAX_BYTES)
      throw new Error(`the answer has more than ${ANSWER_SIZE_MAX_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function toObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    // The answer is not JSON but, for example, a proxy's page. The check reports the text as evidence.
    return {};
  }
}

/** An export of the run, with members that a check may change. */
export interface ExportFacts {
  readonly sequence?: number;
  readonly exportId?: string;
  readonly part?: { readonly index: number; readonly count: number };
  readonly data?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A document as a boat sends it. */
export interface Export {
  readonly exportId: string;
  readonly sequence: number;
  readonly key: string;
  readonly body: Buffer<ArrayBuffer>;
  readonly sha256: string;
}

/** Creates an export of the run. It contains one log record with the same ID as the export. */
export function makeExport(run: Run, facts: ExportFacts = {}): Export {
  const sequence = facts.sequence ?? run.nextSequence();
  const exportId = facts.exportId ?? `conformance_${run.ledgerId}_${sequence}`;
  const body = toBody({
    installation_id: run.subject.installationId,
    export_timestamp: '2026-06-01T12:00:00Z',
    format_version: '1.0',
    export_id: exportId,
    export_type: 'incremental',
    tier: 2,
    trigger: 'manual',
    sequence,
    ledger_id: run.ledgerId,
    software_version: 'conformance',
    clock: { synchronized: true, boot_id: 'conformance' },
    ...(facts.part === undefined ? {} : { part: facts.part }),
    data: facts.data ?? toLog([{ record_id: exportId, content: 'conformance' }]),
    ...facts.more,
  });
  return {
    exportId,
    sequence,
    key: toIdempotencyKey(exportId, facts.part?.index ?? 1),
    body,
    sha256: toSha256(body),
  };
}

/** Returns a `data` object with log records. */
export function toLog(entries: readonly unknown[]): Readonly<Record<string, unknown>> {
  return { boatlog: { category: 'boatlog', entry_count: entries.length, entries } };
}

/** Returns a `data` object with the settings. */
export function toSettings(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { settings: { category: 'settings', data: { record_id: 'settings', ...record } } };
}

export function toBody(document: unknown): Buffer<ArrayBuffer> {
  return Buffer.from(JSON.stringify(document));
}

export function toSha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** Sends an export as a boat does: compressed, with its key and digest. `headers` override the default headers. */
export function sendExport(
  run: Run,
  { key, body }: Pick<Export, 'key' | 'body'>,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<Answer> {
  const compressed = gzipSync(body);
  return run.post(compressed, {
    'Content-Encoding': 'gzip',
    'Content-Digest': toContentDigest(createHash('sha256').update(compressed).digest('base64')),
    'Idempotency-Key': key,
    ...headers,
  });
}
