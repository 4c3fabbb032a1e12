import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { createProcesses, toEnding } from './support/processes.ts';

for (const main of ['boat', 'central'] as const)
  test(`a command of ${main} succeeds even if the program that reads its output has exited`, async (t) => {
    const program = createProcesses(toEnding(t)).start(main, ['--help'], {});
    // Like `d3kos-export status | head -1`. The program has not yet begun to write.
    program.child.stdout?.destroy();
    assert.deepEqual(await program.ended, { code: 0, signal: null });
    assert.equal(program.output(), '');
  });
