import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExportError } from './errors.ts';
import { listen } from './listen.ts';

const answer = (): Response => new Response('here');

test('reports a port that is in use and a port that is not permitted, each with a hint', async () => {
  const listening = await listen(answer, '127.0.0.1', 0);
  try {
    await assert.rejects(listen(answer, '127.0.0.1', listening.port), (error) =>
      isExportError(error, 'PORT_IN_USE'),
    );
    // An address reserved for documentation, because root could use a port below 1024.
    await assert.rejects(
      listen(answer, '198.51.100.7', 8094),
      (error) => isExportError(error, 'CONFIG_INVALID') && error.hint.includes('EXPORT_PORT'),
    );
  } finally {
    await listening.close();
  }
});
