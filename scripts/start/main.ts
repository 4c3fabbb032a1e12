// `npm start`: runs a sample boat and central as real processes on this machine.
import { startDemo } from './demo.ts';

const isOnce = process.argv.includes('--once');
const unknown = process.argv.slice(2).filter((argument) => argument !== '--once');
if (unknown.length > 0) {
  console.error(
    `npm start: unknown option ${unknown.join(' ')}. The only option is --once, which exits when central holds every record that the boat exported.`,
  );
  process.exit(2);
}

const stopping = new AbortController();
// A second Ctrl-C has the same effect as the first. Exiting immediately would leave the programs running, and stopping them takes
// a bounded time.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopping.abort(new Error(name)));

process.exitCode = await startDemo({ isOnce, signal: stopping.signal });
