import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  type CentralError,
  IMPORT_PATH,
  type OpenExport,
  type ImportAnswer,
  toContentDigest,
  toIdempotencyKey,
} from '@d3kos/protocol';
import { type App, createApp } from '../http/app.ts';
import type { AppDeps } from '../http/context.ts';
import { createInlinePreparer } from '../import/preparer.ts';
import { enroll } from '../installations/enroll.ts';
import type { PasswordHasher } from '../operators/passwords.ts';
import { SILENT_LOG } from '../platform/log.ts';
import type { Store } from '../platform/ports.ts';
import { systemMonotonic, systemRandomHex } from '../platform/world.ts';
import { assertKeepsContract } from './contract-check.ts';

/** Noon on a day in 2026. The clock of every app under test starts at this time and moves only when a test moves it. */
export const NOON_MS = Date.UTC(2026, 5, 1, 12);

/** The operator's token of every app under test. */
export const OPERATOR_TOKEN = 'operator-token-of-the-tests';

/** Hashes passwords cheaply, for tests that are not about hashing. */
export const QUICK_PASSWORDS: PasswordHasher = {
  hash: async (password) => `quick ${createHash('sha256').update(password).digest('hex')}`,
  check: async (password, stored) => (stored === (await QUICK_PASSWORDS.hash(password)) ? 'right' : 'wrong'),
};

/** Creates one node on a store. */
export function createNode(store: Store, deps: Partial<AppDeps> = {}): App {
  return createApp({
    store,
    wall: () => NOON_MS,
    monotonic: systemMonotonic,
    preparer: createInlinePreparer(systemMonotonic),
    randomHex: systemRandomHex,
    passwords: QUICK_PASSWORDS,
    readPageFile: async (name) => (name.endsWith('.json') ? '{"type":"Topology"}' : `the file ${name}`),
    log: SILENT_LOG,
    operatorToken: OPERATOR_TOKEN,
    ...deps,
  });
}

/** Creates one node on a store, and checks each of its responses against the API contract. */
export function startNode(store: Store, deps: Partial<AppDeps> = {}): App {
  const app = createNode(store, deps);
  return {
    async fetch(request, connection) {
      const response = await app.fetch(request, connection);
      await assertKeepsContract(request, response);
      return response;
    },
  };
}

/** An enrolled boat and its token. */
export interface EnrolledBoat {
  readonly id: string;
  readonly token: string;
}

/** Enrols a boat for exclusive use by one test. */
export async function enrollBoat(store: Store, allowIdAsToken = false): Promise<EnrolledBoat> {
  const id = systemRandomHex(8);
  const world = { store, wallMs: NOON_MS, randomHex: systemRandomHex };
  const { token } = await enroll(world, { installationId: id, allowIdAsToken });
  return { id, token };
}

/** Document members that a test may change. All others are those of an ordinary incremental export. */
export interface DocumentFacts {
  readonly exportId?: string;
  readonly sequence?: number;
  readonly ledgerId?: string;
  readonly part?: { readonly index: number; readonly count: number };
  readonly data?: Readonly<Record<string, unknown>>;
  readonly openExports?: readonly OpenExport[];
  readonly formerLedgerIds?: readonly string[];
}

/** Returns a document as a current boat sends it. */
export function toDocument(boat: EnrolledBoat, facts: DocumentFacts = {}) {
  const sequence = facts.sequence ?? 1;
  return {
    installation_id: boat.id,
    export_timestamp: '2026-06-01T11:59:00Z',
    format_version: '1.0',
    export_id: facts.exportId ?? `export_${sequence}`,
    export_type: 'incremental',
    tier: 2,
    trigger: 'manual',
    sequence,
    ledger_id: facts.ledgerId ?? 'aaaaaaaaaaaaaaaa',
    software_version: '0.1.0',
    clock: { synchronized: true, boot_id: 'boot' },
    ...(facts.part === undefined ? {} : { part: facts.part }),
    ...(facts.openExports === undefined ? {} : { open_exports: facts.openExports }),
    ...(facts.formerLedgerIds === undefined ? {} : { former_ledger_ids: facts.formerLedgerIds }),
    data: facts.data ?? toBoatlog([{ record_id: '1', content: 'calm' }]),
  };
}

/** Returns a `data` object with one category. */
export function toBoatlog(entries: readonly unknown[]) {
  return { boatlog: { category: 'boatlog', entry_count: entries.length, entries } };
}

/** How a request differs from an ordinary one. A header that is undefined is omitted. */
export interface Sending {
  readonly bearer?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly coding?: 'gzip' | 'identity';
}

/** Returns the import request for a document, or for an arbitrary string. */
export function toImportRequest(
  boat: EnrolledBoat,
  document: ReturnType<typeof toDocument> | string,
  sending: Sending = {},
): Request {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  const body = sending.coding === 'gzip' ? gzipSync(text) : Buffer.from(text);
  const headers: Record<string, string | undefined> = {
    Authorization: `Bearer ${sending.bearer ?? boat.token}`,
    'Content-Type': 'application/json',
    'Content-Encoding': sending.coding === 'gzip' ? 'gzip' : undefined,
    'Content-Digest': toContentDigest(createHash('sha256').update(body).digest('base64')),
    'Idempotency-Key':
      typeof document === 'string'
        ? undefined
        : toIdempotencyKey(document.export_id, document.part?.index ?? 1),
    ...sending.headers,
  };
  return new Request(`http://central.test${IMPORT_PATH}`, {
    method: 'POST',
    headers: Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
    body,
  });
}

/**
 * Returns a request for an ordinary document whose body pauses after `atOnce` until `end` is called. `isRead` resolves when the
 * rest is requested.
 */
export function slowBody(boat: EnrolledBoat, sending: Sending = {}, atOnce?: Uint8Array) {
  const text = Buffer.from(JSON.stringify(toDocument(boat)));
  let left = atOnce;
  const read = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (left !== undefined) {
          controller.enqueue(left);
          left = undefined;
          return;
        }
        read.resolve();
        await release.promise;
        controller.enqueue(text);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const ordinary = toImportRequest(boat, toDocument(boat), {
    ...sending,
    headers: { 'Content-Digest': undefined, ...sending.headers },
  });
  return {
    // Node requires `duplex` for a stream as body; the type does not have it.
    request: new Request(ordinary, { body, duplex: 'half' } as RequestInit),
    isRead: read.promise,
    end: () => release.resolve(),
  };
}

/** Sends a document and returns its receipt. A refusal fails the test. */
export async function importDocument(
  app: App,
  boat: EnrolledBoat,
  document: ReturnType<typeof toDocument> | string,
  sending: Sending = {},
): Promise<ImportAnswer> {
  const answer = await app.fetch(toImportRequest(boat, document, sending));
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as ImportAnswer;
}

/** Sends a request that must be refused, checks the status and the code, and returns the body and headers of the answer. */
export async function expectRefusal(
  app: App,
  request: Request,
  status: number,
  errorCode: string,
): Promise<{ readonly body: CentralError; readonly headers: Headers }> {
  const answer = await app.fetch(request);
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  const body = JSON.parse(text) as CentralError;
  assert.equal(body.status, 'error');
  assert.equal(body.error_code, errorCode);
  assert.ok(body.message.length > 0);
  return { body, headers: answer.headers };
}

/** Returns a category's stored records. */
export async function heldRecords(store: Store, boat: EnrolledBoat, category = 'boatlog') {
  return store.query(
    `select record_id, record::text as json, import_id, sequence::int as sequence from records_${category}
     where installation_id = $1 order by record_id collate "C"`,
    [boat.id],
  );
}
