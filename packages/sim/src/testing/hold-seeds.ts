import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openCentralDatabase, runSeed, toReplay } from '../run-seed.ts';

/** Longest the seeds of one file may take; they take two minutes on two quiet cores. */
const SEEDS_MAX_MS = 15 * 60_000;

/** What at least this share of fifty seeds has to meet: a fault that hardly happens shows nothing. */
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
  'token-revoked',
  'card-full',
  'ledger-full',
  'card-read-only',
  'clock-wrong',
  'boot in 1970',
  'boot with the clock behind',
  'boatlog-unreadable',
  'bundle read ashore',
  'old queue imported',
  'removed by retention',
  'exports delivered',
  'tier',
];

/** What any fifty seeds have to count at least once: among them are five that live weeks. */
const MET_SOMEWHERE = [
  'slots',
  'exports removed',
  'holds for thrift',
  'portals met',
  '413s',
  'clock jumps',
  'boots in 1970',
  'refusals for the card',
];

/**
 * A test that runs the seeds from `from` to `to`, each twice, against the real boat and the real central, and wants every
 * promise kept and both traces equal. What was broken comes with the one command that does it again.
 */
export function holdSeeds(from: number, to: number): void {
  test(
    `seeds ${from} to ${to}: every promise is kept, and a seed leaves one trace`,
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
      const { violations, counts, met, days } = await runSeed(database, seed);
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
      for (const name of met.keys()) seedsThatMet.set(name, (seedsThatMet.get(name) ?? 0) + 1);
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
    'the boats were at work',
  );
  for (const name of MET_SOMEWHERE) assert.ok((totals[name] ?? 0) > 0, `${name}: met at all`);
  const seeds = to - from + 1;
  for (const name of MET_OFTEN)
    assert.ok((seedsThatMet.get(name) ?? 0) >= seeds * SHARE_MIN, `${name}: met in enough seeds`);
}
