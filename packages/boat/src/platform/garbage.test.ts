import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGarbageCollector } from './garbage.ts';

test('an unreferenced object is collected before the call returns', async () => {
  const collectGarbage = createGarbageCollector();
  const dropped = new WeakRef(new Uint8Array(1_000_000));
  const kept = new Uint8Array(1_000_000);
  const keptRef = new WeakRef(kept);
  // A WeakRef keeps its target alive until the current turn of the event loop ends.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  assert.equal(dropped.deref(), undefined);
  assert.equal(keptRef.deref(), kept);
});
