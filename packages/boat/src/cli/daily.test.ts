import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { runProgram } from './testing/cli-run.ts';
import { createLoopbackDaemon, type DaemonStory, type LoopbackDaemon } from './testing/loopback-daemon.ts';
import { createSteppedClock } from './testing/stepped-clock.ts';

const daemons: LoopbackDaemon[] = [];
after(() => Promise.all(daemons.map((daemon) => daemon.stop())));

async function started(story: Partial<DaemonStory>): Promise<LoopbackDaemon> {
  const daemon = await createLoopbackDaemon(story);
  daemons.push(daemon);
  await daemon.start();
  return daemon;
}

const expectedRequest = 'POST /export/generate {"type":"incremental","trigger":"scheduled"}';
const success = (body: Readonly<Record<string, unknown>>) => () => ({
  status: 200,
  body: { success: true, ...body },
});

test('requests the scheduled incremental export and reports the queued export', async () => {
  const daemon = await started({
    tier: 2,
    generate: success({ queued: true, queue_id: 'q_20261123_030000', slot: '2026-11-23' }),
  });
  const run = await runProgram(['daily'], { clock: createSteppedClock(), port: daemon.port });
  assert.deepEqual(run.stdout, [
    '=== d3kOS Daily Scheduled Export ===',
    'Current tier: 2',
    'Triggering export...',
    '✓ Export generated and queued: q_20261123_030000',
    '=== Daily export complete ===',
  ]);
  assert.equal(run.exitCode, 0);
  assert.deepEqual(daemon.requests, [expectedRequest]);
});

for (const tier of [0, 1])
  test(`skips the export at tier ${tier} and succeeds`, async () => {
    const daemon = await started({
      tier,
      generate: success({ queued: false, skipped: true, message: 'reason from the export manager' }),
    });
    const run = await runProgram(['daily'], { clock: createSteppedClock(), port: daemon.port });
    assert.deepEqual(run.stdout.slice(1), [
      `Current tier: ${tier}`,
      `⚠ Scheduled export requires Tier 2+ (current: Tier ${tier})`,
      'Skipping export',
      '=== Daily export complete ===',
    ]);
    assert.equal(run.exitCode, 0);
  });

test('shows the reason from the export manager if the tier is unknown', async () => {
  const daemon = await started({
    tier: null,
    generate: success({ queued: false, skipped: true, message: 'The tier is unknown' }),
  });
  const run = await runProgram(['daily'], { clock: createSteppedClock(), port: daemon.port });
  assert.deepEqual(run.stdout.slice(1, 5), [
    'Current tier: unknown',
    'Triggering export...',
    '⚠ The tier is unknown',
    'Skipping export',
  ]);
  assert.equal(run.exitCode, 0);
});

test('succeeds when run twice in one slot and when nothing is new', async () => {
  const daemon = await started({
    generate: success({ queued: false, skipped: true, slot: '2026-11-23' }),
  });
  const again = await runProgram(['daily'], { clock: createSteppedClock(), port: daemon.port });
  assert.ok(again.stdout.includes('✓ The daily export of 2026-11-23 already exists'));
  assert.equal(again.exitCode, 0);
  daemon.story.generate = success({ queued: false, slot: '2026-11-23' });
  const quiet = await runProgram(['daily', '--json'], { clock: createSteppedClock(), port: daemon.port });
  assert.deepEqual(
    quiet.stdout.map((line) => JSON.parse(line)),
    [{ message: 'Scripted message', success: true, queued: false, slot: '2026-11-23' }],
  );
  assert.ok(quiet.stderr.includes('✓ Nothing new since the last export; nothing was queued'));
});

test('fails if a category could not be read, whether or not an export was queued', async () => {
  const unread = [
    { category: 'boatlog', detail: 'boatlog.db: permission denied' },
    { category: 'settings', detail: 'slots.json is a folder' },
  ];
  const daemon = await started({
    generate: success({ queued: true, queue_id: 'q_1', slot: null, unread_categories: unread }),
  });
  const world = { clock: createSteppedClock(), port: daemon.port };
  const queued = await runProgram(['daily'], world);
  assert.equal(queued.exitCode, 1);
  assert.deepEqual(queued.stdout.slice(3, -1), [
    '✓ Export generated and queued: q_1',
    '⚠ boatlog could not be read: boatlog.db: permission denied. A later export will contain its records',
    '⚠ settings could not be read: slots.json is a folder. A later export will contain its records',
    '✗ The daily export is incomplete and stays due',
  ]);
  const manual = await runProgram(['generate', '--incremental'], world);
  assert.equal(manual.exitCode, 1);
  assert.ok(manual.stdout.some((line) => line.includes('boatlog could not be read')));
  const error = 'Nothing was queued: boatlog could not be read (boatlog.db: permission denied)';
  daemon.story.generate = () => ({
    status: 503,
    body: { success: false, error, code: 'SOURCE_UNREADABLE', hint: 'Run the doctor.' },
  });
  for (const command of [['daily'], ['generate', '--incremental']]) {
    const nothing = await runProgram(command, world);
    assert.equal(nothing.exitCode, 1);
    assert.ok(nothing.stderr.some((line) => line.includes(error)));
    assert.ok(![...nothing.stdout, ...nothing.stderr].some((line) => /nothing new/i.test(line)));
  }
});

test('fails with the reason and the hint from the export manager', async () => {
  const daemon = await started({
    generate: () => ({
      status: 507,
      body: { success: false, error: 'Only 3 MB are free', code: 'DISK_RESERVE', hint: 'Remove files.' },
    }),
  });
  const run = await runProgram(['daily'], { clock: createSteppedClock(), port: daemon.port });
  assert.equal(run.exitCode, 4);
  assert.equal(run.stdout.at(-1), '✗ Export failed: Only 3 MB are free');
  assert.deepEqual(run.stderr, ['✗ Only 3 MB are free [DISK_RESERVE]', '  Remove files.']);
});

test('waits for an export manager that starts 5 s late, and fails if it does not start', async () => {
  const late = await createLoopbackDaemon({ generate: success({ queued: true, queue_id: 'q_1' }) });
  daemons.push(late);
  const clock = createSteppedClock([{ atMs: 5_000, happen: () => late.start() }]);
  const run = await runProgram(['daily'], { clock, port: late.port });
  assert.ok(run.stdout.includes('✓ Export generated and queued: q_1'));
  assert.equal(clock.monotonic(), 5_000);
  const never = await createLoopbackDaemon();
  const alone = await runProgram(['daily'], { clock: createSteppedClock(), port: never.port });
  assert.equal(alone.exitCode, 3);
});
