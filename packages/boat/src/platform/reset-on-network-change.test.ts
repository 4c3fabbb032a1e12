import assert from 'node:assert/strict';
import test from 'node:test';
import { resetOnNetworkChange } from './reset-on-network-change.ts';

test('the first request after a network change opens a new socket, and later requests reuse it', async () => {
  let network = 'eth0 10.42.0.1/24';
  const calls: string[] = [];
  const http = {
    reset: () => calls.push('reset'),
    transport: async () => {
      calls.push('request');
      return new Response();
    },
  };
  const transport = resetOnNetworkChange(http, () => network);
  const send = () => transport(new Request('http://central.example'), new AbortController().signal);
  await send();
  network = 'wlan0 192.168.8.20/24';
  await send();
  await send();
  assert.deepEqual(calls, ['request', 'reset', 'request', 'request']);
});
