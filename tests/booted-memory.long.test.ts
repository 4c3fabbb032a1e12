// Tests the export manager's memory limit in a booted system, with the sources that need the most memory.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { type Card, insertCard } from '../crash/card.ts';
import { DEB, SERVICE, stageBoat } from './support/booted-boat.ts';
import { createMachine, type Machine } from './support/booted-machine.ts';
import { buildPackages, findPackage } from './support/booted-packages.ts';
import { buildRoot, findBootObstacle } from './support/booted-root.ts';
import { createSteps } from './support/booted-steps.ts';
import { HOSTILE_SOURCES } from './support/hostile-sources.ts';

/** The sources that need the most memory. hostile-sources.long.test.ts measures all of them. */
const HEAVIEST = ['a log of 100,000 lines', '6 million empty lists', 'escaped quotes without end'];
/** Space for the sources and for their exports. */
const CARD_BYTES = 1_000_000_000;
const folder = mkdtempSync(join(tmpdir(), 'd3kos-booted-test-'));
const { card, obstacle } = prepareCard();
let machine: Machine;

/** Returns a card for the boat's data, or why it cannot be mounted. */
function prepareCard(): { readonly card?: Card; readonly obstacle?: string } {
  const found = findBootObstacle();
  if (found !== undefined) return { obstacle: found };
  const inserted = insertCard(CARD_BYTES);
  return inserted.kind === 'card' ? { card: inserted } : { obstacle: inserted.reason };
}

const step = createSteps(
  obstacle,
  async () =>
    (
      await machine.run(
        `journalctl --no-pager -b -n 60 -u 'd3kos-export-*'; systemctl --failed; d3kos-export status; df /opt/d3kos/data; dmesg | tail -20`,
      )
    ).output,
);

before(async () => {
  if (card === undefined) return;
  const lower = await buildRoot();
  await buildPackages(folder);
  machine = await createMachine(lower, { data: card, limits: 'enforced' });
  await stageBoat(machine, findPackage(folder, 'd3kos-export'), 200);
  await machine.boot();
  await machine.ok(`dpkg -i ${DEB}`);
});

after(async () => {
  // `before` may have failed.
  await (machine as Machine | undefined)?.remove();
  card?.close();
  rmSync(folder, { recursive: true, force: true });
});

const show = (property: string): Promise<string> => machine.ok(`systemctl show -P ${property} ${SERVICE}`);

interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}
async function request(method: string, path: string): Promise<Answer> {
  const body = method === 'POST' ? `-H 'content-type: application/json' -d '{"type": "incremental"}'` : '';
  const output = await machine.ok(
    `curl -s -X ${method} ${body} -w '\n%{http_code}' http://127.0.0.1:8094/export/${path}`,
  );
  const at = output.lastIndexOf('\n');
  return { status: Number(output.slice(at + 1)), json: JSON.parse(output.slice(0, at)) as Answer['json'] };
}

/** The queue IDs of the acknowledged exports. */
const acknowledged = new Set<string>();
async function generate(): Promise<Answer> {
  const answer = await request('POST', 'generate');
  const queueId = answer.json['queue_id'];
  if (answer.status === 200 && typeof queueId === 'string') acknowledged.add(queueId);
  return answer;
}

/** Every acknowledged export still waits. */
async function assertNothingLost(): Promise<void> {
  const { json } = await request('GET', 'queue');
  // The API tests check the properties of this answer.
  const { pending } = json as { readonly pending: readonly { readonly queue_id: string }[] };
  const waiting = new Set(pending.map(({ queue_id: id }) => id));
  assert.deepEqual(
    [...acknowledged].filter((id) => !waiting.has(id)),
    [],
  );
}

step('the machine enforces MemoryMax= and TasksMax=', async () => {
  const run = (limit: string, command: string): ReturnType<Machine['run']> =>
    machine.run(`systemd-run --quiet --wait --pipe -p ${limit} ${command}`);
  assert.notEqual((await run('MemoryMax=64M', `python3 -c 'x = bytearray(200 << 20)'`)).code, 0);
  assert.equal((await run('MemoryMax=512M', `python3 -c 'x = bytearray(200 << 20)'`)).code, 0);
  const fork = await run('TasksMax=4', `sh -c 'for n in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait'`);
  assert.match(fork.output, /fork/i);
});

step(
  "within its unit's memory limit, the export manager answers despite the sources that need the most memory",
  async (context) => {
    assert.equal((await generate()).status, 200);
    const sources = HOSTILE_SOURCES.filter(([name]) => HEAVIEST.includes(name));
    assert.equal(sources.length, HEAVIEST.length);
    for (const [name, place] of sources) {
      place(join(machine.root, 'opt', 'd3kos'));
      for (const [method, path] of [
        ['POST', 'generate'],
        ['GET', 'preview'],
      ] as const) {
        const { status } = path === 'generate' ? await generate() : await request(method, path);
        assert.ok([200, 429, 503].includes(status), `${name}: ${path} answers ${status}`);
      }
    }
    context.diagnostic(`${await show('NRestarts')} restarts, ${acknowledged.size} exports acknowledged`);
    assert.equal(await show('NRestarts'), '0');
    await assertNothingLost();
  },
);
