// `npm start`: a boat, central and everything between them on this machine, from nothing, with real processes.
import { startDemo } from './demo.ts';

const isOnce = process.argv.includes('--once');
const unknown = process.argv.slice(2).filter((argument) => argument !== '--once');
if (unknown.length > 0) {
  console.error(`npm start does not know ${unknown.join(' ')}; it takes --once: stop when the counts agree.`);
  process.exit(2);
}

const stopping = new AbortController();
// Also a second Ctrl-C: ending at once would leave the programs below running. Stopping them is bounded.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopping.abort(new Error(name)));

process.exitCode = await startDemo({ isOnce, signal: stopping.signal });
