import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProbeResult } from '../outcome.ts';
import {
  type Destination,
  describeDestination,
  initialDestination,
  nextDestination,
} from './destination-state.ts';
import type { Verdict } from './verdict.ts';

describe('the destination', () => {
  const blocked: Verdict = { kind: 'blocked', status: 401, errorCode: 'INVALID_TOKEN', detail: 'HTTP 401' };
  const offline: Verdict = { kind: 'unreachable', destination: 'offline', detail: 'a' };
  const central: ProbeResult = { kind: 'central', timeWallMs: undefined, offers: [] };
  const verdict = (value: Verdict) => ({ kind: 'verdict', verdict: value }) as const;
  const probe = (result: ProbeResult) => ({ kind: 'probe', result }) as const;

  it('keeps the time when a state began, with the latest detail', () => {
    const first = nextDestination(initialDestination(1), verdict(offline), 2);
    assert.deepEqual(first, { state: 'offline', sinceWallMs: 2, detail: 'a' });
    const second = nextDestination(first, verdict({ ...offline, detail: 'b' }), 3);
    assert.deepEqual(second, { state: 'offline', sinceWallMs: 2, detail: 'b' });
    assert.equal(nextDestination(second, probe(central), 4).state, 'online');
  });

  it('stays blocked no matter what a probe finds, until central accepts a request or the configuration changes', () => {
    const paused = nextDestination(initialDestination(1), verdict(blocked), 2);
    assert.equal(nextDestination(paused, probe(central), 3), paused);
    assert.equal(nextDestination(paused, probe({ kind: 'nothing', code: 'X' }), 3), paused);
    assert.equal(nextDestination(paused, { kind: 'configuration_changed' }, 3).state, 'unknown');
    assert.equal(nextDestination(paused, { kind: 'accepted' }, 3).state, 'online');
    assert.equal(nextDestination(paused, verdict({ kind: 'cut_smaller', detail: '' }), 3).state, 'online');
    assert.equal(nextDestination(paused, verdict(offline), 3).state, 'offline');
  });

  it('follows each kind of probe result', () => {
    const table: readonly (readonly [ProbeResult, Destination['state']])[] = [
      [central, 'online'],
      [{ kind: 'captive_portal', detail: 'x' }, 'captive_portal'],
      [{ kind: 'nothing', code: 'ENOTFOUND' }, 'offline'],
      [{ kind: 'untrusted', detail: 'x' }, 'untrusted'],
      [{ kind: 'clock_wrong', code: 'CERT_NOT_YET_VALID' }, 'clock_wrong'],
      [{ kind: 'unavailable', status: 503 }, 'unavailable'],
    ];
    for (const [result, state] of table)
      assert.equal(nextDestination(initialDestination(1), probe(result), 2).state, state);
  });

  it('has a different explanation for every state, and none contains the word "error"', () => {
    const states = [
      'unknown',
      'online',
      'offline',
      'captive_portal',
      'untrusted',
      'clock_wrong',
      'unavailable',
      'blocked',
    ] as const;
    const texts = states.map((state) => describeDestination({ state, sinceWallMs: 0, detail: 'HTTP 401' }));
    assert.equal(new Set(texts).size, states.length);
    for (const text of texts) assert.doesNotMatch(text, /error/i);
  });

  it('shows that a proxy refuses an export, without mentioning Wi-Fi, until an export is accepted', () => {
    const refused: Verdict = { kind: 'refused_on_the_way', detail: 'A proxy refuses this export (HTTP 403)' };
    const seen = nextDestination(initialDestination(1), verdict(refused), 2);
    assert.equal(seen.state, 'online');
    assert.match(describeDestination(seen), /A proxy refuses this export \(HTTP 403\)/);
    assert.doesNotMatch(describeDestination(seen), /Wi-Fi|sign/);
    assert.equal(nextDestination(seen, { kind: 'accepted' }, 3).detail, '');
  });

  it('is not changed by a file that cannot be sent', () => {
    const before = nextDestination(initialDestination(1), verdict(offline), 2);
    const damaged = { kind: 'rejected', by: 'boat', errorCode: 'EXPORT_FILE_DAMAGED', detail: 'x' } as const;
    for (const value of [damaged, { kind: 'unreadable', detail: 'EIO' } as const])
      assert.equal(nextDestination(before, verdict(value), 3), before);
  });
});
