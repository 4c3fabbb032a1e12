import assert from 'node:assert/strict';
import { StoredConfigurationSchema } from '@d3kos/protocol';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { asObject } from '../../packages/boat/src/collect/allowed.ts';
import { parseEnv } from '../../packages/boat/src/collect/onboarding.ts';
import { redeemCode } from '../../packages/boat/src/enroll/redeem-code.ts';
import { createSignalK } from '../../packages/boat/src/notify/signalk.ts';
import { callWebhook } from '../../packages/boat/src/notify/webhook.ts';
import { isExportError } from '../../packages/boat/src/platform/errors.ts';
import { parseForeignJson } from '../../packages/boat/src/platform/lenient-json.ts';
import type { Transport } from '../../packages/boat/src/platform/ports.ts';
import { decodeText } from '../../packages/boat/src/platform/text.ts';
import { toRestorable } from '../../packages/boat/src/restore/restorable-files.ts';
import { parseCursor, toCursorText } from '../../packages/central/src/fleet/page-cursor.ts';
import { isUtcText } from '../../packages/central/src/store/row.ts';
import { allowing, JSON_WORDS, jsonTexts, toText, utf8, wordTexts } from '../inputs.ts';
import type { Target } from '../target.ts';

const SIGNAL = new AbortController().signal;
/** A clock whose deadlines never arrive. */
const CLOCK = {
  sleep: (_: number, signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    }),
};
const STATUSES = [200, 202, 302, 400, 401, 404, 409, 429, 503] as const;
/** Text that reaches a terminal or the log must not match this pattern. */
const UNSAFE = /[\p{Cc}\u202a-\u202e]/u;

function answering(bytes: Uint8Array, status: number, asked: string[] = []): Transport {
  return async ({ url }) => {
    asked.push(url);
    // An input's bytes are never shared memory.
    return new Response(bytes as Uint8Array<ArrayBuffer>, { status });
  };
}

const ENROLMENT_WORDS = [
  '{"status":"success","installation_id":"0123456789abcdef","token_id":"',
  '","expires_at":"',
  '"expires_at":null}',
  '{"status":"error","error_code":"INVALID_CODE","message":"',
  'INSTALLATION_MISMATCH',
  '\u009b31m',
  '\\u001b[2J',
  '\u202e',
  ...JSON_WORDS,
] as const;
const REQUEST = { code: '7KQ2M4XB9C', token_sha256: '0'.repeat(64) };

/** Answers to an enrolment code: an enrolment or an error, and only plain text. */
export const enrolmentAnswers: Target = {
  name: 'enrolment-answers',
  generate: utf8(fc.oneof(jsonTexts, wordTexts(ENROLMENT_WORDS, 8))),
  words: ENROLMENT_WORDS,
  async check(bytes) {
    for (const status of STATUSES) {
      const isPlainError = (error: unknown): boolean => isExportError(error) && !UNSAFE.test(error.message);
      const enrolment = await allowing(isPlainError, () =>
        redeemCode(answering(bytes, status), 'http://central.example', REQUEST, SIGNAL),
      );
      if (enrolment === undefined) continue;
      assert.match(enrolment.installation_id, /^[0-9a-f]{16}$/);
      assert.doesNotMatch(enrolment.token_id + String(enrolment.expires_at), UNSAFE);
    }
  },
};

const SIGNALK_WORDS = [
  '{"state":"COMPLETED","accessRequest":{"permission":"APPROVED","token":"',
  '{"state":"PENDING"',
  '{"permission":"DENIED"}',
  '{"statusCode":404',
  '{"id":"',
  '{"href":"/signalk/v1/requests/',
  '../',
  '//evil.example/',
  '?',
  '\\n',
  ...JSON_WORDS,
] as const;
const CONDITION = { state: 'alert', message: 'One export failed', exportCount: 1 } as const;
const NOTICE = {
  service: 'd3kos-export-manager',
  installation_id: '0123456789abcdef',
  event: 'raised',
  subject: 'failed',
  export_count: 1,
  message: 'x',
} as const;

/** Answers from a Signal K server and a webhook: every answer produces a result, and no request goes anywhere else. */
export const notificationAnswers: Target = {
  name: 'notification-answers',
  generate: utf8(fc.oneof(jsonTexts, wordTexts(SIGNALK_WORDS, 6))),
  words: SIGNALK_WORDS,
  async check(bytes) {
    for (const status of STATUSES) {
      const asked: string[] = [];
      const transport = answering(bytes, status, asked);
      const server = createSignalK({ transport, clock: CLOCK }, 'http://127.0.0.1:3000');
      const raised = await server.raise('failed', CONDITION, undefined, SIGNAL);
      const id = raised.kind === 'raised' ? raised.id : 'a';
      await server.update(id, CONDITION, undefined, SIGNAL);
      await server.isKnown(id, undefined, SIGNAL);
      await server.clear(id, undefined, SIGNAL);
      const requested = await server.requestAccess('client', SIGNAL);
      const path = requested.kind === 'requested' ? requested.path : '/signalk/v1/requests/a';
      const decision = await server.readDecision(path, SIGNAL);
      // The token is sent in a header, so it must not contain a line end.
      if (decision.kind === 'approved') await server.isKnown(id, decision.token, SIGNAL);
      for (const url of asked) assert.match(url, /^http:\/\/127\.0\.0\.1:3000\/signalk\/v[12]\/[\w./-]+$/);
      const called = await callWebhook({ transport, clock: CLOCK }, 'http://127.0.0.1/hook', NOTICE, SIGNAL);
      assert.ok(['accepted', 'refused', 'failed', 'unreachable'].includes(called.kind));
    }
  },
};

const RESTORE_WORDS = [
  '{"configuration":{"q1":"',
  '"vessel":{"VESSEL_NAME":"',
  '"HOME_PORT":"a',
  '"ENGINE2_HP":"$(reboot)"',
  '`id`',
  "'",
  '"reset_count":',
  '{"preferences":{"theme":"dark"',
  '"network":{"dhcp":',
  '"display":{"brightness":',
  '"timezone":"Europe/Oslo"',
  '"timezone":"../../etc/passwd"',
  '[hidden]',
  '\\n',
  '\\u0085',
  ...JSON_WORDS,
] as const;
const RESTORED_PATH =
  /^(config\/(onboarding|user-preferences|community-prefs|settings)\.json|config\/timezone\.txt|state\/onboarding-reset-count\.json|services\/dashboard\/config\/vessel\.env)$/;
const PRESENT = [undefined, '', '{"a":1}', 'VESSEL_NAME=Old\n# comment\n'] as const;
const configuration = Compile(StoredConfigurationSchema);

/** Settings that central returns: only known files are written, and each is complete after one restoration. */
export const restoredSettings: Target = {
  name: 'restored-settings',
  generate: utf8(fc.oneof(jsonTexts, wordTexts(RESTORE_WORDS, 8))),
  words: RESTORE_WORDS,
  check(bytes) {
    const parsed = parseForeignJson(decodeText(bytes));
    if (parsed.kind !== 'value') return;
    configuration.Check(parsed.value);
    const record = asObject(parsed.value);
    for (const { path, keys, merge } of toRestorable(record, record).files) {
      assert.match(path, RESTORED_PATH);
      assert.ok(keys.length > 0);
      for (const present of PRESENT) {
        const merged = merge(present);
        if (merged === undefined) continue;
        assert.equal(merge(merged), undefined, `${path} is not complete after a restoration`);
        if (!path.endsWith('.env') || present?.startsWith('{') === true) continue;
        // No value adds a line, and a shell reads every value as data.
        const lines = merged.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
        assert.equal(parseEnv(merged).length, lines.length);
        for (const line of lines)
          assert.match(line, /^[A-Za-z]\w*=([\w.:@%+,/-]*|"[^"$`\\!]*"|'[^']*'|Old)$/);
      }
    }
  },
};

const CURSOR_WORDS = [
  '[0,"2026-02-20T10:00:00.000Z","0123456789abcdef"]',
  '"0000-01-01T00:00:00.000Z"',
  '"+275760-09-13T00:00:00.000Z"',
  '"2026-02-30T00:00:00.000Z"',
  ...JSON_WORDS,
] as const;

/** Paging parameters: each is read as a list of plain values that PostgreSQL accepts, or is refused. */
export const pageCursors: Target = {
  name: 'page-cursors',
  generate: utf8(fc.oneof(jsonTexts, wordTexts(CURSOR_WORDS, 4))),
  words: CURSOR_WORDS,
  check(bytes) {
    const text = toText(bytes);
    for (const parameter of [text, Buffer.from(bytes).toString('base64url')])
      for (const length of [2, 3]) {
        const cursor = parseCursor(parameter, length);
        if (cursor === undefined) continue;
        assert.equal(cursor.length, length);
        for (const value of cursor) {
          assert.ok(value === null || typeof value === 'number' || !String(value).includes('\0'));
          if (isUtcText(value)) assert.match(value, /^[0-9]{4}-[0-9-]{5}T[0-9:.]{12}Z$/);
        }
        if (cursor.every((value) => typeof value !== 'number' || Number.isFinite(value)))
          assert.equal(JSON.stringify(parseCursor(toCursorText(cursor), length)), JSON.stringify(cursor));
      }
  },
};
