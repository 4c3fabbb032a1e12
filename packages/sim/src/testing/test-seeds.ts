import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runSeed, toReplay } from '../run-seed.ts';
import { openCentralDatabase } from '../simulated-central.ts';

/** Timeout for one test. A hundred seeds take four minutes on an idle core. */
const SEEDS_MAX_MS = 40 * 60_000;
/** With fewer seeds than this, which faults occur depends on chance. */
const COVERAGE_SEEDS_MIN = 50;

/** Minimum share of the seeds in which each of these must occur, because a rare fault proves little. */
const SHARE_MIN = 0.1;
const MET_OFTEN = [
  'power lost',
  'link down',
  'link portal',
  'link-drops',
  'portal_page',
  'portal_redirect',
  'portal_511',
  'portal_json',
  'exchange ECONNRESET',
  'exchange SILENT',
  'answer_short',
  'request_doubled',
  'tls CERT_NOT_YET_VALID',
  'metered',
  'central-down',
  'central-restart',
  'central-refuses',
  'central-rejects',
  'central-takes-less',
  'proxy-refuses',
  'token-revoked',
  'card-full',
  'ledger-full',
  'card-read-only',
  'clock-wrong',
  'boot in 1970',
  'boot with the clock behind',
  'boatlog-unreadable',
  'odd files',
  'source-hangs',
  'source-locked',
  'read of a source that hangs',
  'bundle imported',
  'legacy queue imported',
  'removed by retention',
  'card restored',
  'central restored',
  'exports delivered',
  'tier',
];

/** Each of these must occur at least once in any fifty seeds, of which five last weeks. */
const OCCURS_SOMEWHERE = [
  'slots',
  'cards copied',
  'exports removed',
  'lost exports requeued',
  'lost exports rewound',
  'send holds',
  'portals met',
  '413s',
  'clock jumps',
  'boots in 1970',
  'refusals for the card',
];

/**
 * Defines a test that runs the seeds from `from` to `to`, each twice, with the real boat and the real central. The test fails if
 * a promise is broken or if the two traces of a seed differ. The failure message contains the command that runs the seed again.
 */
export function testSeeds(from: number, to: number): void {
  test(
    `seeds ${from} to ${to}: every promise is kept, and both runs of a seed have the same trace`,
    { timeout: SEEDS_MAX_MS },
    (t) => runSeeds(t, from, to),
  );
}

async function runSeeds(t: TestContext, from: number, to: number): Promise<void> {
  const database = await openCentralDatabase();
  const totals: Record<string, number> = {};
  const seedsThatMet = new Map<string, number>();
  const broken: string[] = [];
  try {
    for (let seed = from; seed <= to; seed += 1) {
      const { violations, counts, coverage, days } = await runSeed(database, seed);
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
      for (const name of coverage.keys()) seedsThatMet.set(name, (seedsThatMet.get(name) ?? 0) + 1);
      if (violations.length > 0)
        broken.push(`${toReplay(seed, days)}\n  ${violations.slice(0, 5).join('\n  ')}`);
    }
  } finally {
    await database.close();
  }
  t.diagnostic(
    Object.entries(totals)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  );
  assert.deepEqual(broken, []);
  assert.ok(
    (totals['acknowledged'] ?? 0) > to - from && (totals['cuts'] ?? 0) > to - from,
    'power failed while the boats were working',
  );
  const seeds = to - from + 1;
  if (seeds < COVERAGE_SEEDS_MIN) return;
  for (const name of OCCURS_SOMEWHERE) assert.ok((totals[name] ?? 0) > 0, `no seed with ${name}`);
  for (const name of MET_OFTEN)
    assert.ok((seedsThatMet.get(name) ?? 0) >= seeds * SHARE_MIN, `too few seeds with ${name}`);
}
