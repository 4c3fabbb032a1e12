// `npm test [-- FILE …]`: the quick tier, every *.test.ts but the *.long.test.ts.
import { listTests, runTests } from './run-tests.ts';

/** Longest one test may take. The slowest takes 30 s on a quiet machine; a busy one may need ten times as long. */
const TEST_MAX_MS = 10 * 60_000;

const asked = process.argv.slice(2);
process.exitCode = (await runTests(asked.length > 0 ? asked : listTests('quick'), TEST_MAX_MS)) ? 0 : 1;
