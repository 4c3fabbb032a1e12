import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGarbageCollector } from './garbage.ts';

test('what nobody holds is gone when a collection returns', async () => {
  const collectGarbage = createGarbageCollector();
  const dropped = new WeakRef(new Uint8Array(1_000_000));
  const kept = new Uint8Array(1_000_000);
  const keptRef = new WeakRef(kept);
  // What was referred to in one turn of the event loop is held until its end.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  assert.equal(dropped.deref(), undefined);
  assert.equal(keptRef.deref(), kept);
});
