// node source-writer.ts DATABASE
// Inserts into a boatlog until its parent sends `stop`, and then reports its latencies and lock waits.
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { quantile } from './figure.ts';

/** Pause after each insert. It results in a few hundred commits per second, ten thousand times the rate on a busy boat. */
const PAUSE_MS = 2;
/** SQLite's primary result code for a lock that another connection holds. */
const SQLITE_BUSY = 5;

const [path = ''] = process.argv.slice(2);
const latenciesMs: number[] = [];
let busy = 0;
let walPeakBytes = 0;
let isStopped = false;
process.on('message', () => {
  isStopped = true;
});

// Without a busy timeout, another connection's lock causes an error at once, which is counted.
const db = new DatabaseSync(path, { timeout: 0 });
db.exec('PRAGMA synchronous = NORMAL');
const insert = db.prepare(
  "INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ'), 'auto', 'written while the export is made')",
);
process.send?.('ready');
while (!isStopped) {
  const began = performance.now();
  try {
    insert.run();
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === SQLITE_BUSY))
      throw error;
    busy += 1;
  }
  latenciesMs.push(performance.now() - began);
  walPeakBytes = Math.max(walPeakBytes, statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
db.close();
process.send?.({
  inserts: latenciesMs.length,
  busy,
  walPeakBytes,
  p99Ms: quantile(latenciesMs, 0.99),
  maxMs: Math.max(...latenciesMs),
});
process.disconnect();
