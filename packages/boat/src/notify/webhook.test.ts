import assert from 'node:assert/strict';
import test from 'node:test';
import { createClock } from '../platform/clock.ts';
import { type Transport, TransportError, type TransportPhase } from '../platform/ports.ts';
import { callWebhook } from './webhook.ts';

const BODY = {
  service: 'd3kos-export-manager',
  installation_id: '0123456789abcdef',
  event: 'raised',
  subject: 'failed',
  export_count: 1,
  message: '1 export could not be delivered.',
} as const;

const call = (transport: Transport) =>
  callWebhook(
    { transport, clock: createClock() },
    'https://example.test/hook',
    BODY,
    new AbortController().signal,
  );

test('a call that a captive portal answers, or whose handshake fails, has not reached the receiver', async () => {
  const afterError = (phase: TransportPhase) =>
    call(() => Promise.reject(new TransportError(phase, 'CODE', 'text')));
  assert.equal((await afterError('connect')).kind, 'unreachable');
  assert.equal((await afterError('tls')).kind, 'unreachable');
  assert.equal((await afterError('exchange')).kind, 'failed');
  const afterStatus = (status: number) => call(async () => new Response(null, { status }));
  for (const [status, kind] of [
    [204, 'accepted'],
    [302, 'unreachable'],
    [307, 'unreachable'],
    [511, 'unreachable'],
    [404, 'refused'],
    [503, 'failed'],
  ] as const)
    assert.equal((await afterStatus(status)).kind, kind, String(status));
});
