import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExportError } from './errors.ts';
import { listen } from './listen.ts';

const answer = (): Response => new Response('here');

test('a port that is taken, and one that may not be taken, are told with what to do', async () => {
  const listening = await listen(answer, '127.0.0.1', 0);
  try {
    await assert.rejects(listen(answer, '127.0.0.1', listening.port), (error) =>
      isExportError(error, 'PORT_IN_USE'),
    );
    // An address of documentation stands for a port below 1024, which root could take.
    await assert.rejects(
      listen(answer, '198.51.100.7', 8094),
      (error) => isExportError(error, 'CONFIG_INVALID') && error.hint.includes('EXPORT_PORT'),
    );
  } finally {
    await listening.close();
  }
});
