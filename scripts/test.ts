// `npm test [-- FILE …]`: the quick tier, every *.test.ts except *.long.test.ts.
import { listTests, runTests } from './run-tests.ts';

/** Timeout for one test. The slowest test takes 30 s on an idle machine. A busy machine may need ten times as long. */
const TEST_MAX_MS = 10 * 60_000;

const asked = process.argv.slice(2);
process.exitCode = (await runTests(asked.length > 0 ? asked : listTests('quick'), TEST_MAX_MS)) ? 0 : 1;
