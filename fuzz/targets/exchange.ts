import assert from 'node:assert/strict';
import { HeldPartsSchema, parseContentDigest, parseIdempotencyKey, toIdempotencyKey } from '@d3kos/protocol';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { listRoutes } from '../../packages/boat/src/api/contract.ts';
import { parseConfig as parseBoatConfig } from '../../packages/boat/src/config.ts';
import { toCredentials } from '../../packages/boat/src/deliver/credentials.ts';
import { recogniseAnswer, recogniseHealth } from '../../packages/boat/src/deliver/policy/answer.ts';
import {
  parseAcceptEncoding,
  parseHttpDate,
  parseRetryAfter,
} from '../../packages/boat/src/deliver/policy/http-headers.ts';
import { parseQuery, readJson } from '../../packages/boat/src/http/request-input.ts';
import { checkRequestOrigin } from '../../packages/boat/src/http/request-origin.ts';
import { isExportError } from '../../packages/boat/src/platform/errors.ts';
import { parseForeignJson } from '../../packages/boat/src/platform/lenient-json.ts';
import { parseJsonBytes } from '../../packages/boat/src/platform/transport-answer.ts';
import { parseConfig as parseCentralConfig } from '../../packages/central/src/config.ts';
import { parseContentCoding } from '../../packages/central/src/http/body.ts';
import { parseBearer } from '../../packages/central/src/installations/policy.ts';
import { CentralFailure } from '../../packages/central/src/platform/errors.ts';
import { allowing, JSON_WORDS, jsonTexts, toText, utf8, wordTexts } from '../inputs.ts';
import type { Target } from '../target.ts';

const RECEIPT = `{"status":"success","import_id":"i","export_id":"e","part":{"index":1,"count":1},"sha256":"${'0'.repeat(64)}","records_imported":{"boatlog":1},"rejected_records":[],"duplicate":false,"timestamp":"t"}`;
const ANSWER_WORDS = [
  RECEIPT,
  '{"service":"d3kos-central","status":"ok","time":"2026-02-20T10:00:00Z"}',
  '{"status":"error","error_code":"',
  '"message":"',
  '<html>',
  '{"status":"success","export_id":"e","parts":[',
  '],"next":null}',
  '"records_imported":{"__proto__":1}',
  '\u009b31m',
  ...JSON_WORDS,
] as const;
const heldParts = Compile(HeldPartsSchema);

/** Any answer is recognised as central's or as foreign, and its strings cannot control a terminal. */
export const answers: Target = {
  name: 'answers',
  generate: utf8(fc.oneof(fc.constantFrom(...ANSWER_WORDS), jsonTexts, wordTexts(ANSWER_WORDS, 6))),
  words: ANSWER_WORDS,
  check(bytes) {
    const parsed = parseJsonBytes(bytes);
    const body =
      parsed === undefined
        ? ({ kind: 'other', start: toText(bytes).slice(0, 500) } as const)
        : ({ kind: 'json', value: parsed.value } as const);
    for (const status of [200, 302, 400, 502, 511]) {
      const answer = recogniseAnswer({ status, redirectHost: 'h', contentType: undefined, body });
      assert.ok(answer.kind !== 'receipt' || status === 200);
      if (answer.kind === 'refusal')
        assert.doesNotMatch(answer.message + answer.errorCode, /[\u0000-\u001f\u007f-\u009f]/);
      recogniseHealth(status, parsed?.value);
    }
    heldParts.Check(parsed?.value);
  },
};

const HEADER_WORDS = [
  'gzip',
  'zstd',
  'br',
  ';q=0',
  ';q=1',
  ',',
  ' ',
  '=',
  ':',
  'sha-256=:',
  'Bearer ',
  'Basic ',
  'YTpi',
  'Fri, 20 Feb 2026 10:00:00 GMT',
  '120',
  '/1',
  'exp_1',
  'http://localhost',
  '127.0.0.1',
  '[::1]',
  ':8094',
  'https://evil.example',
  '0',
  '-',
  '\t',
  'A',
] as const;

/** Header fields from boats, pages, proxies and central. */
export const headers: Target = {
  name: 'headers',
  generate: utf8(wordTexts(HEADER_WORDS, 12)),
  words: HEADER_WORDS,
  check(bytes) {
    const value = toText(bytes);
    const waitMs = parseRetryAfter(value, 1_000);
    assert.ok(waitMs === undefined || (waitMs >= 0 && Number.isFinite(waitMs)));
    assert.ok(Number.isFinite(parseHttpDate(value) ?? 0));
    parseAcceptEncoding(value);
    parseContentCoding(value);
    assert.ok((parseContentDigest(value)?.length ?? 44) === 44);
    assert.ok((parseBearer(value)?.length ?? 0) <= 1_024);
    const key = parseIdempotencyKey(value);
    if (key !== undefined) assert.equal(toIdempotencyKey(key.exportId, key.partIndex), value);
    const foreign = checkRequestOrigin(['localhost:8094'], `https://${value}.example`, 8094, [
      'http://localhost',
    ]);
    assert.equal(foreign.kind, 'refused');
    checkRequestOrigin([value], value, 8094, ['http://localhost'], value);
  },
};

const ROUTES = listRoutes().map(({ query, body }) => ({
  query: query === undefined ? undefined : { schema: Compile(query), properties: query.properties },
  body: body === undefined ? undefined : Compile(body),
}));
const isInvalidRequest = (error: unknown): boolean => isExportError(error, 'REQUEST_INVALID');
const REQUEST_WORDS = [
  '{"type":"full"',
  '{"type":"incremental","trigger":"boot"}',
  '{"failed":true}',
  '{"usage_telemetry":true}',
  '"d3kos-trips":"',
  'limit=10',
  '&type=full',
  '%00',
  '%ff',
  '=',
  '&',
  ...JSON_WORDS,
] as const;

/** Bodies and queries of the boat's routes match their schema or are refused. */
export const requests: Target = {
  name: 'requests',
  generate: utf8(fc.oneof(jsonTexts, wordTexts(REQUEST_WORDS, 8))),
  words: REQUEST_WORDS,
  async check(bytes) {
    const text = toText(bytes);
    const texts = Object.fromEntries(new URLSearchParams(text));
    for (const { query, body } of ROUTES) {
      if (query !== undefined)
        await allowing(isInvalidRequest, () => parseQuery(query.schema, query.properties, texts));
      if (body === undefined) continue;
      const request = new Request('http://127.0.0.1', {
        method: 'POST',
        body: bytes as Uint8Array<ArrayBuffer>,
      });
      const value = await allowing(isInvalidRequest, () => readJson(request, body));
      assert.ok(value === undefined || body.Check(value));
    }
  },
};

const CONFIG_WORDS = [
  '{"port":8094',
  '"central_api_url":"',
  'https://central.example',
  'http://127.0.0.1:1',
  '"timezone":"UTC"',
  '"allowed_origins":["http://localhost"]',
  'https://u:SECRET@h',
  '?',
  '#',
  ':0',
  '"token":"0123456789abcdef"',
  '127.0.0.1',
  '8095',
  '-1',
  'postgres://u:SECRET@h/d',
  ...JSON_WORDS,
] as const;
const BOAT_VARIABLES = [
  'EXPORT_PORT',
  'CENTRAL_API_URL',
  'TIER_API_URL',
  'EXPORT_TIMEZONE',
  'EXPORT_DAILY_HOUR',
] as const;
const CENTRAL_VARIABLES = [
  'CENTRAL_HOST',
  'CENTRAL_PORT',
  'CENTRAL_DATA_DIR',
  'DATABASE_URL',
  'CENTRAL_TRUSTED_PROXIES',
] as const;

/** Operators' settings are accepted, or refused with a CONFIG_INVALID error that shows no password. */
export const settings: Target = {
  name: 'settings',
  generate: utf8(fc.oneof(jsonTexts, wordTexts(CONFIG_WORDS, 6))),
  words: CONFIG_WORDS,
  async check(bytes) {
    const text = toText(bytes);
    const isInvalid = (error: unknown): boolean => {
      const isConfig =
        isExportError(error, 'CONFIG_INVALID') ||
        (error instanceof CentralFailure && error.code === 'CONFIG_INVALID');
      return isConfig && !/:SECRET@/.test(error.message);
    };
    const config = await allowing(isInvalid, () => parseBoatConfig({}, text));
    if (config?.config.centralUrl !== undefined) assert.doesNotMatch(config.config.centralUrl, /[?#@]/);
    for (const variable of BOAT_VARIABLES)
      await allowing(isInvalid, () => parseBoatConfig({ [variable]: text }, undefined));
    for (const variable of CENTRAL_VARIABLES)
      await allowing(isInvalid, () =>
        parseCentralConfig({ CENTRAL_OPERATOR_TOKEN: 'a'.repeat(32), [variable]: text }),
      );
    const parsed = parseForeignJson(text);
    if (parsed.kind === 'value') toCredentials(parsed.value);
  },
};
