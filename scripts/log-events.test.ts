import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryRoot } from '../packages/boat/src/testing/temporary-root.ts';
import { prepareBoat, startBoatInProcess } from '../tests/support/boat-in-process.ts';
import { accepting, startScriptedServer } from '../tests/support/scripted-central.ts';
import { until } from '../tests/support/until.ts';
import { findLogCalls } from './log-calls.ts';
import { LOG_EVENTS } from './log-events.ts';

const events = Object.values(LOG_EVENTS).flat();
const calls = findLogCalls();

describe('the catalogue of log lines', () => {
  test('contains exactly the lines that the code can write', () => {
    assert.ok(calls.length > 50);
    const inCode = new Set(calls.map(({ text }) => text));
    const listed = events.map(({ text }) => text);
    assert.deepEqual(listed.toSorted(), [...inCode].toSorted());
  });

  test('gives each line the level that it has in the code', () => {
    for (const { level, text } of events)
      assert.ok(
        calls.some((call) => call.text === text && call.level === level),
        `${level} ${text}`,
      );
  });

  test('has no line that is only a value, because it could not be searched for', () => {
    for (const { file, text } of calls) assert.notEqual(text.replaceAll('{}', '').trim(), '', file);
  });

  test('does not use the word "error" in any line about a healthy boat', () => {
    for (const { level, text } of events) if (level === 'info') assert.doesNotMatch(text, /error/i);
  });
});

test('a healthy run writes only lines of level info from the catalogue, and none contains the word "error"', async () => {
  const root = join(temporaryRoot('healthy-log'), 'boat');
  const central = await startScriptedServer(accepting);
  prepareBoat({ root });
  const running = await startBoatInProcess({ root, centralUrl: central.url });
  try {
    await running.request('POST', '/export/generate');
    await until('the delivery', () => running.boat.ledger.queue.counts().completed === 1);
    await running.request('POST', '/export/generate', { type: 'incremental' });
    await running.request('GET', '/export/preview');
    await running.request('GET', '/export/doctor');
    await running.request('POST', '/export/queue/cleanup');
  } finally {
    await running.stop();
    await central.close();
  }
  const patterns = events.map(({ level, text }) => {
    const escaped = text.replaceAll(/[$()*+.?[\\\]^|]/g, '\\$&').replaceAll('{}', '.+');
    return new RegExp(`^${level} ${escaped}$`, 's');
  });
  assert.ok(running.log.length >= 4, running.log.join('\n'));
  for (const line of running.log) {
    assert.match(line, /^info /);
    assert.doesNotMatch(line, /error/i);
    assert.ok(
      patterns.some((pattern) => pattern.test(line)),
      line,
    );
  }
});
