import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Outcome, ProbeResult } from './outcome.ts';
import {
  chooseCoding,
  confirmUnavailable,
  type Destination,
  decideVerdict,
  describeDestination,
  describeNextAttempt,
  dueIn,
  initialDestination,
  isClockSuspect,
  isDue,
  misansweredDelay,
  nextAttempt,
  nextDestination,
  parseOffers,
  parseRetryAfter,
  probeDelay,
  RETRY_DELAY_MAX_MS,
} from './policy.ts';
import type { Verdict } from './verdict.ts';

const MINUTE_MS = 60_000;
const facts = { canCut: false, clockSynchronized: false };

const refused = (status: number, retryAfterMs?: number): Outcome => ({
  kind: 'refused',
  status,
  errorCode: 'CODE',
  message: 'why',
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const stranger = (
  status: number,
  reason: 'redirect' | 'html' | 'other_json' | 'status_511' | 'garbage',
): Outcome => ({ kind: 'not_central', reason, status, detail: 'a page' });
const noConnection = (phase: 'connect' | 'tls', code: string): Outcome => ({
  kind: 'no_connection',
  phase,
  code,
  clockSuspect: isClockSuspect(code),
});

/** A verdict's kind, with the destination where it names one. */
function told(verdict: Verdict): string {
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
    ['a redirect', stranger(302, 'redirect'), 'unreachable/captive_portal'],
    ['status 511', stranger(511, 'status_511'), 'unreachable/captive_portal'],
    ...[200, 201, 204, 401, 403, 404, 413, 429, 505, 520].map(
      (status) => [`HTML with ${status}`, stranger(status, 'html'), 'unreachable/captive_portal'] as const,
    ),
    ...[200, 400, 404, 505].map(
      (status) =>
        [`other JSON with ${status}`, stranger(status, 'other_json'), 'unreachable/captive_portal'] as const,
    ),
    ...[500, 501, 502, 503, 504].flatMap((status) => [
      [`HTML with ${status}`, stranger(status, 'html'), 'unavailable'] as const,
      [`other JSON with ${status}`, stranger(status, 'other_json'), 'unavailable'] as const,
    ]),
    ['nothing readable with 200', stranger(200, 'garbage'), 'unreachable/captive_portal'],
    ['DNS that fails', noConnection('connect', 'ENOTFOUND'), 'unreachable/offline'],
    ['a refused port', noConnection('connect', 'ECONNREFUSED'), 'unreachable/offline'],
    ['no route', noConnection('connect', 'ENETUNREACH'), 'unreachable/offline'],
    ['a TLS handshake that breaks off', noConnection('tls', 'ECONNRESET'), 'unreachable/offline'],
    ['a certificate of tomorrow', noConnection('tls', 'CERT_NOT_YET_VALID'), 'unreachable/clock_wrong'],
    ['a certificate of yesterday', noConnection('tls', 'CERT_HAS_EXPIRED'), 'unreachable/clock_wrong'],
    [
      "a portal's certificate",
      noConnection('tls', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
      'unreachable/captive_portal',
    ],
    ['an answer that was lost', { kind: 'answer_lost', code: 'ECONNRESET' }, 'unavailable'],
    ['a stall', { kind: 'stalled' }, 'unavailable'],
  ];
  for (const [name, outcome, verdict] of table)
    it(`${name} is ${verdict}`, () => assert.equal(told(decideVerdict(outcome, facts)), verdict));

  it('cuts a part that central calls too large, where it can be cut', () => {
    assert.equal(decideVerdict(refused(413), { ...facts, canCut: true }).kind, 'cut_smaller');
  });

  it('does not blame a clock that a time service vouches for', () => {
    const synchronized = { ...facts, clockSynchronized: true };
    assert.equal(
      told(decideVerdict(noConnection('tls', 'CERT_HAS_EXPIRED'), synchronized)),
      'unreachable/offline',
    );
  });

  it('passes on how long central asks to wait', () => {
    const verdict = decideVerdict(refused(429, 90_000), facts);
    assert.ok(verdict.kind === 'unavailable');
    assert.equal(verdict.retryAfterMs, 90_000);
  });

  it('tells the reason central gave', () => {
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
      assert.equal(told(confirmUnavailable(lost, probe)), verdict));

  it('leaves every other verdict as it was', () => {
    const rejected: Verdict = { kind: 'rejected', errorCode: 'X', detail: 'x' };
    assert.equal(confirmUnavailable(rejected, { kind: 'nothing', code: 'X' }), rejected);
  });
});

describe('the retries', () => {
  const plan = (attemptsSpent: number, retryAfterMs?: number, fraction = 0) =>
    nextAttempt({ attemptsSpent, retryAfterMs, fraction });

  it('come immediately, after 5 and after 15 minutes, and then the export has failed', () => {
    const delays = [1, 2, 3].map((spent) => {
      const next = plan(spent);
      return next.kind === 'retry' ? next.delayMs : next.kind;
    });
    assert.deepEqual(delays, [0, 5 * MINUTE_MS, 15 * MINUTE_MS]);
    assert.deepEqual(plan(4), { kind: 'failed' });
  });

  it("are announced in the seed's words, whatever the jitter", () => {
    const lines = [1, 2, 3, 4].map((spent) => describeNextAttempt(plan(spent, undefined, 0.999)));
    assert.deepEqual(lines, [
      'Retry immediately',
      'Retry 1/3 in 5 minutes',
      'Retry 2/3 in 15 minutes',
      'No retry left after 3/3',
    ]);
    assert.equal(describeNextAttempt(plan(1, 20_000)), 'Retry 0/3 in 20 seconds');
  });

  it('wait as long as central asks when that is longer, at most an hour, and never less than planned', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.option(fc.integer({ min: 0, max: 10 * RETRY_DELAY_MAX_MS }), { nil: undefined }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attemptsSpent, retryAfterMs, fraction) => {
          const next = plan(attemptsSpent, retryAfterMs, fraction);
          assert.ok(next.kind === 'retry');
          const planned = [0, 5 * MINUTE_MS, 15 * MINUTE_MS][attemptsSpent - 1] ?? Number.NaN;
          const wanted = Math.min(Math.max(planned, retryAfterMs ?? 0), RETRY_DELAY_MAX_MS);
          assert.ok(next.delayMs >= wanted && next.delayMs <= Math.min(wanted * 1.1 + 1, RETRY_DELAY_MAX_MS));
        },
      ),
    );
  });

  it('end: no number of attempts but 1, 2 and 3 gives another', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 1_000_000 }),
        (attemptsSpent) => plan(attemptsSpent).kind === 'failed',
      ),
    );
  });
});

describe('when an entry is due', () => {
  const wall = fc.integer({ min: 0, max: 4_000_000_000_000 });

  it('is at its time, and not before', () => {
    assert.equal(dueIn({ attemptsSpent: 1, nowWallMs: 1_000, nextRetryAtWallMs: 61_000 }), 60_000);
    assert.ok(isDue({ attemptsSpent: 1, nowWallMs: 61_000, nextRetryAtWallMs: 61_000 }));
  });

  it('never parks an entry, wherever the clock was set', () => {
    fc.assert(
      fc.property(wall, wall, (nowWallMs, nextRetryAtWallMs) => {
        const waitMs = dueIn({ attemptsSpent: 1, nowWallMs, nextRetryAtWallMs });
        assert.ok(waitMs >= 0 && waitMs <= RETRY_DELAY_MAX_MS);
      }),
    );
  });

  it('is due now when its time is further away than any wait allows', () => {
    assert.ok(isDue({ attemptsSpent: 1, nowWallMs: 0, nextRetryAtWallMs: RETRY_DELAY_MAX_MS + 1 }));
    assert.ok(!isDue({ attemptsSpent: 1, nowWallMs: 0, nextRetryAtWallMs: RETRY_DELAY_MAX_MS }));
    assert.ok(isDue({ attemptsSpent: 0, nowWallMs: 0, nextRetryAtWallMs: 50 * 60_000 }), 'owes no wait');
  });

  it('takes no notice of the wall clock where this run set the wait', () => {
    fc.assert(
      fc.property(wall, wall, (nowWallMs, nextRetryAtWallMs) => {
        const monotonic = { nowMs: 500, dueMs: 800 };
        assert.equal(dueIn({ attemptsSpent: 1, nowWallMs, nextRetryAtWallMs, monotonic }), 300);
      }),
    );
    assert.ok(
      isDue({ attemptsSpent: 1, nowWallMs: 0, nextRetryAtWallMs: 9, monotonic: { nowMs: 800, dueMs: 800 } }),
    );
  });
});

describe('waits for a destination', () => {
  it('grow from 5 to 60 seconds between probes', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 1_000].map((failures) => probeDelay(failures, 0) / 1000),
      [5, 10, 20, 40, 60, 60, 60],
    );
    assert.equal(probeDelay(0, 0.999999), 5_500);
    assert.equal(probeDelay(50, 0.9), 60_000);
  });

  it('grow to an hour where somebody else keeps answering sends', () => {
    assert.equal(misansweredDelay(1, 0), 5_000);
    assert.equal(misansweredDelay(5, 0), 80_000);
    assert.equal(misansweredDelay(11, 0.5), RETRY_DELAY_MAX_MS);
    assert.equal(misansweredDelay(10_000, 0.5), RETRY_DELAY_MAX_MS);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0);
  const table: readonly (readonly [value: string, delayMs: number | undefined])[] = [
    ['120', 120_000],
    [' 0 ', 0],
    ['Mon, 23 Nov 2026 12:05:00 GMT', 300_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['', undefined],
    ['Mon, 45 Nov 2026 12:05:00 GMT', undefined],
    ['2026-11-23T12:05:00Z', undefined],
  ];
  for (const [value, delayMs] of table)
    it(`"${value}" asks for ${delayMs}`, () => assert.equal(parseRetryAfter(value, now), delayMs));
});

describe('the coding of a body', () => {
  it('is the best that central offers, and gzip before it has said anything', () => {
    assert.deepEqual(parseOffers('gzip, br;q=0.5, zstd, deflate'), ['gzip', 'br', 'zstd']);
    assert.deepEqual(parseOffers('GZIP, zstd;q=0, br; q=0.000'), ['gzip']);
    assert.deepEqual(parseOffers(null), []);
    assert.equal(chooseCoding([]), 'gzip');
    assert.equal(chooseCoding(['gzip', 'br']), 'br');
    assert.equal(chooseCoding(['gzip', 'br', 'zstd']), 'zstd');
  });
});

describe('the destination', () => {
  const blocked: Verdict = { kind: 'blocked', status: 401, errorCode: 'INVALID_TOKEN', detail: 'HTTP 401' };
  const offline: Verdict = { kind: 'unreachable', destination: 'offline', detail: 'a' };
  const central: ProbeResult = { kind: 'central', timeWallMs: undefined, offers: [] };
  const verdict = (value: Verdict) => ({ kind: 'verdict', verdict: value }) as const;
  const probe = (result: ProbeResult) => ({ kind: 'probe', result }) as const;

  it('keeps the time a state began while it lasts, with the newest detail', () => {
    const first = nextDestination(initialDestination(1), verdict(offline), 2);
    assert.deepEqual(first, { state: 'offline', sinceWallMs: 2, detail: 'a' });
    const second = nextDestination(first, verdict({ ...offline, detail: 'b' }), 3);
    assert.deepEqual(second, { state: 'offline', sinceWallMs: 2, detail: 'b' });
    assert.equal(nextDestination(second, probe(central), 4).state, 'online');
  });

  it('stays blocked whatever a probe finds, until central takes something or the configuration changes', () => {
    const paused = nextDestination(initialDestination(1), verdict(blocked), 2);
    assert.equal(nextDestination(paused, probe(central), 3), paused);
    assert.equal(nextDestination(paused, probe({ kind: 'nothing', code: 'X' }), 3), paused);
    assert.equal(nextDestination(paused, { kind: 'configuration_changed' }, 3).state, 'unknown');
    assert.equal(nextDestination(paused, { kind: 'accepted' }, 3).state, 'online');
    assert.equal(nextDestination(paused, verdict({ kind: 'cut_smaller', detail: '' }), 3).state, 'online');
    assert.equal(nextDestination(paused, verdict(offline), 3).state, 'offline');
  });

  it('is told apart by each kind of probe', () => {
    const table: readonly (readonly [ProbeResult, Destination['state']])[] = [
      [central, 'online'],
      [{ kind: 'captive_portal', detail: 'x' }, 'captive_portal'],
      [{ kind: 'nothing', code: 'ENOTFOUND' }, 'offline'],
      [{ kind: 'clock_wrong', code: 'CERT_NOT_YET_VALID' }, 'clock_wrong'],
      [{ kind: 'unavailable', status: 503 }, 'unavailable'],
    ];
    for (const [result, state] of table)
      assert.equal(nextDestination(initialDestination(1), probe(result), 2).state, state);
  });

  it('says something an owner can act on in every state, and never the word that a healthy journal lacks', () => {
    const states = [
      'unknown',
      'online',
      'offline',
      'captive_portal',
      'clock_wrong',
      'unavailable',
      'blocked',
    ] as const;
    const texts = states.map((state) => describeDestination({ state, sinceWallMs: 0, detail: 'HTTP 401' }));
    assert.equal(new Set(texts).size, states.length);
    for (const text of texts) assert.doesNotMatch(text, /error/i);
  });
});
