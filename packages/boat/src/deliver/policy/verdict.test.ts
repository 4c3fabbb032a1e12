import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome, ProbeResult } from '../outcome.ts';
import { confirmByProbe, decideVerdict, type ProbeNeeded, type Verdict } from './verdict.ts';

const facts = { canCut: false, doOthersPass: false };

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

const CENTRAL: ProbeResult = { kind: 'central', timeWallMs: 0, offers: [] };

/** The verdict if central answers a probe. */
const confirm = (verdict: Verdict | ProbeNeeded, probe: ProbeResult = CENTRAL): Verdict =>
  verdict.kind === 'probe_needed' ? confirmByProbe(verdict, probe) : verdict;

/** A verdict's kind, with the destination or scope if it has one. */
function format(verdict: Verdict | ProbeNeeded, probe?: ProbeResult): string {
  const confirmed = confirm(verdict, probe);
  switch (confirmed.kind) {
    case 'unreachable':
      return `unreachable/${confirmed.destination}`;
    case 'unavailable':
      return `unavailable/${confirmed.affects}`;
    case 'rejected':
      return `rejected/${confirmed.by}`;
    default:
      return confirmed.kind;
  }
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
    ['a matching receipt', { kind: 'receipt', receipt, offers: [], missing: undefined }, 'delivered'],
    ['a receipt for another export', { kind: 'receipt_mismatch', detail: 'x' }, 'refused_on_the_way'],
    ...[408, 425, 500, 501, 502, 503, 504, 507, 599].map(
      (status) => [`central's ${status}`, refused(status), 'unavailable/export'] as const,
    ),
    ["central's 429", refused(429), 'throttled'],
    ...[401, 403, 404, 405, 410, 426].map(
      (status) => [`central's ${status}`, refused(status), 'blocked'] as const,
    ),
    ...[402, 406, 411, 414, 418, 431, 451].map(
      (status) => [`central's ${status}, which is not in the table`, refused(status), 'blocked'] as const,
    ),
    ...[400, 409, 415, 422, 413].map(
      (status) => [`central's ${status}`, refused(status), 'rejected/central'] as const,
    ),
    ['a redirect', foreignAnswer(302, 'redirect'), 'refused_on_the_way'],
    ['status 511', foreignAnswer(511, 'status_511'), 'refused_on_the_way'],
    ...[200, 201, 204, 401, 403, 404, 413, 429, 505, 520].map(
      (status) => [`HTML with ${status}`, foreignAnswer(status, 'html'), 'refused_on_the_way'] as const,
    ),
    ...[200, 400, 404, 505].map(
      (status) =>
        [`other JSON with ${status}`, foreignAnswer(status, 'other_json'), 'refused_on_the_way'] as const,
    ),
    ...[500, 501, 502, 503, 504].flatMap((status) => [
      [`HTML with ${status}`, foreignAnswer(status, 'html'), 'unavailable/export'] as const,
      [`other JSON with ${status}`, foreignAnswer(status, 'other_json'), 'unavailable/export'] as const,
    ]),
    ['a 200 with an unreadable body', foreignAnswer(200, 'garbage'), 'refused_on_the_way'],
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
      noConnection('tls', 'ERR_TLS_CERT_ALTNAME_INVALID'),
      'unreachable/captive_portal',
    ],
    ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'].map(
      (code) =>
        [`an unknown authority (${code})`, noConnection('tls', code), 'unreachable/untrusted'] as const,
    ),
    [
      'an incomplete certificate chain',
      noConnection('tls', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      'unreachable/untrusted',
    ],
    ['a lost answer', { kind: 'answer_lost', code: 'ECONNRESET' }, 'unavailable/export'],
    ['a stall', { kind: 'stalled' }, 'unavailable/export'],
    ['a file that cannot be read', { kind: 'file_unreadable', detail: 'EIO' }, 'unreadable'],
    [
      'a damaged file',
      { kind: 'file_unusable', errorCode: 'EXPORT_FILE_DAMAGED', detail: 'x' },
      'rejected/boat',
    ],
  ];
  for (const [name, outcome, verdict] of table)
    it(`${name} is ${verdict}`, () => assert.equal(format(decideVerdict(outcome, facts)), verdict));

  it('splits a part that is too large for central or a proxy, if it can be split', () => {
    for (const outcome of [refused(413), foreignAnswer(413, 'html'), foreignAnswer(413, 'garbage')])
      assert.equal(format(decideVerdict(outcome, { ...facts, canCut: true })), 'cut_smaller');
  });

  it("includes the refusing proxy's status and Retry-After, but does not mention Wi-Fi", () => {
    const answer = { ...foreignAnswer(403, 'html'), retryAfterMs: 90_000 } as Outcome;
    assert.deepEqual(confirm(decideVerdict(answer, facts)), {
      kind: 'refused_on_the_way',
      detail: 'A proxy refuses this export (HTTP 403)',
      retryAfterMs: 90_000,
    });
  });

  const othersPass = { canCut: false, doOthersPass: true };
  const suspects: readonly (readonly [name: string, outcome: Outcome])[] = [
    ['a reset', { kind: 'answer_lost', code: 'ECONNRESET' }],
    ['a stall', { kind: 'stalled' }],
    ["a gateway's 502", foreignAnswer(502, 'html')],
    ["a gateway's 504", foreignAnswer(504, 'garbage')],
  ];
  for (const [name, outcome] of suspects)
    it(`attributes ${name} to an intermediary, not to central, if other parts pass`, () => {
      const verdict = decideVerdict(outcome, othersPass);
      assert.equal(format(verdict), 'refused_on_the_way');
      assert.equal(format(verdict, { kind: 'unavailable', status: 503 }), 'unavailable/central');
      assert.equal(format(verdict, { kind: 'nothing', code: 'ENETUNREACH' }), 'unreachable/offline');
    });

  it("attributes central's own failure to central, even if other parts pass", () => {
    assert.equal(format(decideVerdict(refused(503), othersPass)), 'unavailable/export');
  });

  it('does not attribute a failure to a clock that a time service has set', () => {
    assert.equal(
      format(decideVerdict(noConnection('tls', 'CERT_HAS_EXPIRED', true), facts)),
      'unreachable/offline',
    );
  });

  it('includes the wait that central requests', () => {
    const verdict = confirm(decideVerdict(refused(503, 90_000), facts));
    assert.ok(verdict.kind === 'unavailable');
    assert.equal(verdict.retryAfterMs, 90_000);
    const throttled = decideVerdict(refused(429, 90_000), facts);
    assert.ok(throttled.kind === 'throttled');
    assert.equal(throttled.retryAfterMs, 90_000);
  });

  it('includes the reason that central gave', () => {
    const verdict = decideVerdict(refused(400), facts);
    assert.ok(verdict.kind === 'rejected');
    assert.equal(verdict.detail, 'HTTP 400 CODE: why');
  });
});

describe('a verdict that depends on a probe', () => {
  const lost: Outcome = { kind: 'answer_lost', code: 'ECONNRESET' };
  const table: readonly (readonly [probe: ProbeResult, ofFailure: string, ofForeignAnswer: string])[] = [
    [CENTRAL, 'unavailable/export', 'refused_on_the_way'],
    [{ kind: 'unavailable', status: 503 }, 'unavailable/central', 'unreachable/captive_portal'],
    [{ kind: 'nothing', code: 'ETIMEDOUT' }, 'unreachable/offline', 'unreachable/offline'],
    [{ kind: 'captive_portal', detail: 'x' }, 'unreachable/captive_portal', 'unreachable/captive_portal'],
    [{ kind: 'untrusted', detail: 'x' }, 'unreachable/untrusted', 'unreachable/untrusted'],
    [
      { kind: 'clock_wrong', code: 'CERT_NOT_YET_VALID' },
      'unreachable/clock_wrong',
      'unreachable/clock_wrong',
    ],
  ];
  for (const [probe, ofFailure, ofForeignAnswer] of table)
    it(`is ${ofFailure} or ${ofForeignAnswer} when the probe finds ${probe.kind}`, () => {
      assert.equal(format(decideVerdict(lost, facts), probe), ofFailure);
      for (const answer of [
        foreignAnswer(403, 'html'),
        foreignAnswer(302, 'redirect'),
        foreignAnswer(200, 'garbage'),
      ])
        assert.equal(format(decideVerdict(answer, facts), probe), ofForeignAnswer);
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
      const verdict = confirm(decideVerdict(outcome, facts));
      assert.equal('detail' in verdict ? verdict.detail : undefined, detail);
      assert.equal('retryAfterMs' in verdict, false, 'no wait that central did not request');
    });
});
