import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExportError } from './errors.ts';
import { listen, listenOnLoopback } from './listen.ts';

const answer = (): Response => new Response('here');

test('reports a port in use and an address that cannot be used, each with a hint', async () => {
  const listening = await listen(answer, '127.0.0.1', 0);
  try {
    await assert.rejects(listen(answer, '127.0.0.1', listening.port), (error) =>
      isExportError(error, 'PORT_IN_USE'),
    );
    // Uses an address reserved for documentation instead of a port below 1024, which root could use.
    await assert.rejects(
      listen(answer, '198.51.100.7', 8094),
      (error) => isExportError(error, 'CONFIG_INVALID') && error.hint.includes('EXPORT_PORT'),
    );
  } finally {
    await listening.close();
  }
});

test('answers on both localhost addresses, and reports if another program uses the second one', async (t) => {
  const probe = await listen(answer, '::1', 0).catch(() => undefined);
  if (probe === undefined) return t.skip('this machine has no IPv6');
  const reasons: string[] = [];
  const own = await listenOnLoopback(answer, 0, (reason) => reasons.push(reason));
  for (const host of ['127.0.0.1', '[::1]'])
    assert.equal(await (await fetch(`http://${host}:${own.port}/`)).text(), 'here');
  await own.close();
  assert.equal(reasons.length, 0);
  // Another program already listens on the second address.
  const beside = await listenOnLoopback(answer, probe.port, (reason) => reasons.push(reason));
  assert.equal(beside.port, probe.port);
  assert.match(reasons.join(), /::1/);
  await beside.close();
  await probe.close();
});
