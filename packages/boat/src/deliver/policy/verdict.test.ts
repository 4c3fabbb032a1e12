import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome, ProbeResult } from '../outcome.ts';
import { confirmUnavailable, decideVerdict, type Verdict } from './verdict.ts';

const facts = { canCut: false };

const refused = (status: number, retryAfterMs?: number): Outcome => ({
  kind: 'refused',
  status,
  errorCode: 'CODE',
  message: 'why',
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const foreignAnswer = (
  status: number,
  reason: 'redirect' | 'html' | 'other_json' | 'status_511' | 'garbage',
): Outcome => ({ kind: 'not_central', reason, status, detail: 'a page' });
const noConnection = (phase: 'connect' | 'tls', code: string, clockSynchronized = false): Outcome =>
  phase === 'connect'
    ? { kind: 'no_connection', phase, code }
    : { kind: 'no_connection', phase, code, clockSynchronized };

/** A verdict's kind, with the destination where it names one. */
function format(verdict: Verdict): string {
  return verdict.kind === 'unreachable' ? `unreachable/${verdict.destination}` : verdict.kind;
}

describe('the verdict on an outcome', () => {
  const receipt = {
    status: 'success' as const,
    import_id: 'import_1',
    export_id: 'e',
    part: { index: 1, count: 1 },
    sha256: '0'.repeat(64),
    records_imported: {},
    rejected_records: [],
    duplicate: false,
    timestamp: '2026-11-23T00:00:00Z',
  };
  const table: readonly (readonly [name: string, outcome: Outcome, verdict: string])[] = [
    ['a matching receipt', { kind: 'receipt', receipt, offers: [] }, 'delivered'],
    ['a receipt for another export', { kind: 'receipt_mismatch', detail: 'x' }, 'unreachable/captive_portal'],
    ...[408, 425, 429, 500, 501, 502, 503, 504, 507, 599].map(
      (status) => [`central's ${status}`, refused(status), 'unavailable'] as const,
    ),
    ...[401, 403, 404, 405, 410, 426].map(
      (status) => [`central's ${status}`, refused(status), 'blocked'] as const,
    ),
    ...[402, 406, 411, 414, 418, 431, 451].map(
      (status) => [`central's ${status}, which the table does not name`, refused(status), 'blocked'] as const,
    ),
    ...[400, 409, 415, 422, 413].map(
      (status) => [`central's ${status}`, refused(status), 'rejected'] as const,
    ),
    ['a redirect', foreignAnswer(302, 'redirect'), 'unreachable/captive_portal'],
    ['status 511', foreignAnswer(511, 'status_511'), 'unreachable/captive_portal'],
    ...[200, 201, 204, 401, 403, 404, 413, 429, 505, 520].map(
      (status) =>
        [`HTML with ${status}`, foreignAnswer(status, 'html'), 'unreachable/captive_portal'] as const,
    ),
    ...[200, 400, 404, 505].map(
      (status) =>
        [
          `other JSON with ${status}`,
          foreignAnswer(status, 'other_json'),
          'unreachable/captive_portal',
        ] as const,
    ),
    ...[500, 501, 502, 503, 504].flatMap((status) => [
      [`HTML with ${status}`, foreignAnswer(status, 'html'), 'unavailable'] as const,
      [`other JSON with ${status}`, foreignAnswer(status, 'other_json'), 'unavailable'] as const,
    ]),
    ['nothing readable with 200', foreignAnswer(200, 'garbage'), 'unreachable/captive_portal'],
    ['DNS that fails', noConnection('connect', 'ENOTFOUND'), 'unreachable/offline'],
    ['a refused port', noConnection('connect', 'ECONNREFUSED'), 'unreachable/offline'],
    ['no route', noConnection('connect', 'ENETUNREACH'), 'unreachable/offline'],
    ['a TLS handshake that breaks off', noConnection('tls', 'ECONNRESET'), 'unreachable/offline'],
    [
      'a certificate that is not valid yet',
      noConnection('tls', 'CERT_NOT_YET_VALID'),
      'unreachable/clock_wrong',
    ],
    ['an expired certificate', noConnection('tls', 'CERT_HAS_EXPIRED'), 'unreachable/clock_wrong'],
    [
      "a portal's certificate",
      noConnection('tls', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
      'unreachable/captive_portal',
    ],
    ['an answer that was lost', { kind: 'answer_lost', code: 'ECONNRESET' }, 'unavailable'],
    ['a stall', { kind: 'stalled' }, 'unavailable'],
  ];
  for (const [name, outcome, verdict] of table)
    it(`${name} is ${verdict}`, () => assert.equal(format(decideVerdict(outcome, facts)), verdict));

  it('cuts a part that is too large for central, if it can be cut', () => {
    assert.equal(decideVerdict(refused(413), { canCut: true }).kind, 'cut_smaller');
  });

  it('does not blame a clock that a time service has set', () => {
    assert.equal(
      format(decideVerdict(noConnection('tls', 'CERT_HAS_EXPIRED', true), facts)),
      'unreachable/offline',
    );
  });

  it('carries the wait that central requests', () => {
    const verdict = decideVerdict(refused(429, 90_000), facts);
    assert.ok(verdict.kind === 'unavailable');
    assert.equal(verdict.retryAfterMs, 90_000);
  });

  it('carries the reason that central gave', () => {
    const verdict = decideVerdict(refused(400), facts);
    assert.ok(verdict.kind === 'rejected');
    assert.equal(verdict.detail, 'HTTP 400 CODE: why');
  });
});

describe('an unavailable central, once it was probed', () => {
  const lost: Verdict = { kind: 'unavailable', detail: 'The answer was lost (ECONNRESET)' };
  const table: readonly (readonly [probe: ProbeResult, verdict: string])[] = [
    [{ kind: 'central', timeWallMs: 0, offers: [] }, 'unavailable'],
    [{ kind: 'unavailable', status: 503 }, 'unavailable'],
    [{ kind: 'nothing', code: 'ETIMEDOUT' }, 'unreachable/offline'],
    [{ kind: 'captive_portal', detail: 'HTML' }, 'unreachable/captive_portal'],
    [{ kind: 'clock_wrong', code: 'CERT_NOT_YET_VALID' }, 'unreachable/clock_wrong'],
  ];
  for (const [probe, verdict] of table)
    it(`is ${verdict} when the probe finds ${probe.kind}`, () =>
      assert.equal(format(confirmUnavailable(lost, probe)), verdict));

  it('does not change any other verdict', () => {
    const rejected: Verdict = { kind: 'rejected', errorCode: 'X', detail: 'x' };
    assert.equal(confirmUnavailable(rejected, { kind: 'nothing', code: 'X' }), rejected);
  });
});

describe('the detail of a verdict', () => {
  const details: readonly (readonly [outcome: Outcome, detail: string])[] = [
    [{ kind: 'answer_lost', code: 'ECONNRESET' }, 'The answer was lost (ECONNRESET)'],
    [{ kind: 'stalled' }, 'The connection fell silent after the request began'],
    [noConnection('connect', 'ENOTFOUND'), 'No connection (ENOTFOUND)'],
    [refused(503), 'HTTP 503 CODE: why'],
  ];
  for (const [outcome, detail] of details)
    it(`of ${outcome.kind} is "${detail}"`, () => {
      const verdict = decideVerdict(outcome, facts);
      assert.equal('detail' in verdict ? verdict.detail : undefined, detail);
      assert.equal('retryAfterMs' in verdict, false, 'no wait that central did not request');
    });
});
