import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { parseConfig } from './config.ts';
import { isCentralFailure } from './platform/errors.ts';

test('needs nothing: the embedded database in ./central-data, on loopback, the fleet page closed', () => {
  const config = parseConfig({ PATH: '/bin', CENTRAL_HOST: '' });
  assert.deepEqual(config.store, { kind: 'embedded', dataDir: 'central-data' });
  assert.deepEqual([config.host, config.port, config.operatorToken], ['127.0.0.1', 8095, undefined]);
});

test('takes a PostgreSQL by its URL', () => {
  const url = 'postgres://central@db/fleet';
  assert.deepEqual(parseConfig({ DATABASE_URL: url }).store, { kind: 'url', url });
});

test('names the variable that is wrong and the fix, and never shows a secret', () => {
  const wrong = {
    CENTRAL_PORT: '65536',
    CENTRAL_PROT: '8095',
    CENTRAL_IMPORTS_MAX: '0',
    CENTRAL_LOG_LEVEL: 'loud',
    CENTRAL_OPERATOR_TOKEN: 'hunter2hunter2',
    CENTRAL_BODY_SIZE_MAX_BYTES: '32MB',
    DATABASE_URL: 'mysql://user:password@host/db',
  };
  for (const [name, value] of Object.entries(wrong))
    assert.throws(
      () => parseConfig({ [name]: value }),
      (error) =>
        isCentralFailure(error, 'CONFIG_INVALID') &&
        error.message.includes(name) &&
        error.hint.length > 0 &&
        !/hunter2|password@host/.test(error.message),
    );
  assert.throws(() => parseConfig({ DATABASE_URL: 'postgres://h/d', CENTRAL_DATA_DIR: 'x' }), /exclude/);
});
