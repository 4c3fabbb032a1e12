import type { Alive, Simulation } from './simulation.ts';
import { isCardUnfit, noteDays } from './incidents.ts';
import type { Action } from './plan-boots.ts';

/** Does one thing on board. Nothing happens while the export manager does not answer, except to the sources. */
export function performAction(sim: Simulation, planned: Action): void {
  sim.counts.actions += 1;
  const { sources, trace } = sim;
  switch (planned.kind) {
    case 'rows':
      trace.add(`${planned.count} rows of ${planned.source}`);
      sources.add(planned.source, planned.count);
      return;
    case 'change':
      trace.add(`change of ${planned.source}`);
      sources.change(planned.source);
      return;
    case 'remove':
      trace.add(`removal from ${planned.source}`);
      sources.remove(planned.source);
      return;
    default:
      if (sim.alive !== undefined) actOnBoard(sim, sim.alive, planned);
  }
}

function actOnBoard(
  sim: Simulation,
  alive: Alive,
  planned: Exclude<Action, { kind: 'rows' | 'change' | 'remove' }>,
): void {
  const { oracle, trace } = sim;
  switch (planned.kind) {
    case 'replace-boatlog':
      // Whoever restores a backup stops the exports first; cursors of a database replaced under a reader are told by nobody.
      if (alive.exportsUnderWay > 0) return;
      oracle.noteCursors(alive.boat);
      trace.add(`boatlog replaced, ${planned.rows} rows`);
      sim.sources.replaceBoatlog(planned.rows);
      return;
    case 'export':
      follow(sim, alive, generate(sim, alive, { type: planned.type }));
      return;
    case 'daily':
      for (let time = 0; time < planned.times; time += 1)
        follow(sim, alive, generate(sim, alive, { type: 'incremental', trigger: 'scheduled' }));
      return;
    case 'cancel': {
      const waiting = [
        ...alive.boat.ledger.queue.list('uploading'),
        ...alive.boat.ledger.queue.list('pending'),
      ];
      const entry = waiting[planned.which % Math.max(1, waiting.length)];
      if (entry !== undefined)
        follow(sim, alive, ask(sim, alive, 'DELETE', `/export/queue/${entry.queueId}`));
      return;
    }
    case 'retry': {
      const entry = alive.boat.ledger.queue.list('failed')[0];
      if (entry !== undefined)
        follow(sim, alive, ask(sim, alive, 'POST', `/export/queue/${entry.queueId}/retry`));
      return;
    }
    case 'process':
      follow(sim, alive, ask(sim, alive, 'POST', '/export/queue/process'));
      return;
    case 'cleanup':
      follow(
        sim,
        alive,
        ask(sim, alive, 'POST', '/export/queue/cleanup', {
          completed_older_than_days: planned.olderThanDays,
        }),
      );
      return;
    case 'bundle':
      follow(sim, alive, carry(sim, alive, planned));
      return;
    case 'look':
      follow(sim, alive, ask(sim, alive, 'GET', planned.path));
      return;
    case 'check':
      follow(sim, alive, sim.clock.outside('checking', oracle.check(alive.boat, 'meanwhile')));
      return;
  }
}

/** Writes what waits to a stick, which is read ashore later, in whole or in part, whatever happened on board meanwhile. */
async function carry(
  sim: Simulation,
  alive: Alive,
  planned: Extract<Action, { kind: 'bundle' }>,
): Promise<void> {
  const { clock, central, trace } = sim;
  const response = await request(alive, 'POST', '/export/bundle', { failed: planned.withFailed });
  const bytes = await readOrCutOff(response);
  if (!alive.boot.power.isOn()) return;
  trace.add(`POST /export/bundle ${response.status} ${bytes.length} bytes`);
  if (response.status !== 200 || response.headers.get('content-type')?.includes('json') === true) return;
  const carried = bytes.subarray(0, Math.ceil(bytes.length * planned.keptShare));
  clock.at(clock.now() + planned.carriedMs, () => {
    for (let time = 0; time < planned.times; time += 1)
      void central.importBundle(carried).then((told) => trace.add(`bundle imported: ${told}`));
  });
}

/** What of the answer arrived: a download that breaks off leaves what was written to the stick until then. */
async function readOrCutOff(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk);
  } catch {
    // The stick holds what came before; the command tells whoever waits for it.
  }
  return Buffer.concat(chunks);
}

/** Lets it happen. What a machine without power still throws is nobody's. */
function follow(sim: Simulation, alive: Alive, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (!alive.boot.power.isOn() || alive.isStopping) return;
    sim.oracle.violate(`an action failed: ${error instanceof Error ? error.stack : String(error)}`);
  });
}

/** Asks for an export, and tells the oracle when it was promised. */
async function generate(
  sim: Simulation,
  alive: Alive,
  body: Readonly<Record<string, string>>,
): Promise<void> {
  const before = sim.sources.present();
  alive.exportsUnderWay += 1;
  noteDays(sim);
  const delivered = alive.boat.ledger.queue.list('completed').map(({ exportFile }) => exportFile);
  const answer = await ask(sim, alive, 'POST', '/export/generate', body);
  checkReserve(sim, answer, delivered);
  noteDays(sim);
  alive.exportsUnderWay -= 1;
  if (answer['success'] !== true || answer['queued'] !== true) return;
  const slot = answer['slot'];
  sim.oracle.acknowledge(
    alive.boat,
    {
      exportId: String(answer['export_id']),
      queueId: String(answer['queue_id']),
      slot: typeof slot === 'string' ? slot : undefined,
    },
    before,
  );
}

async function request(alive: Alive, method: string, path: string, body?: unknown): Promise<Response> {
  return alive.boat.app.fetch(
    new Request(`http://localhost:8094${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
}

/**
 * The reserve (delivery.md, Disk): delivered files go before an export is refused for it. `delivered` are the files of exports
 * that were delivered when it was asked for.
 */
function checkReserve(
  sim: Simulation,
  answer: Readonly<Record<string, unknown>>,
  delivered: readonly string[],
): void {
  if (answer['code'] !== 'DISK_RESERVE') return;
  const kept = delivered.find((file) => sim.machine.medium.get(file) !== undefined);
  if (kept !== undefined)
    sim.oracle.violate(`${kept} was delivered, and kept while an export was refused for the reserve`);
}

/** One request to the boat's own API; resolves never when the power goes meanwhile. */
async function ask(
  sim: Simulation,
  alive: Alive,
  method: string,
  path: string,
  body?: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const name = `${method} ${path}`;
  const response = await request(alive, method, path, body);
  const text = await response.text();
  if (!alive.boot.power.isOn()) return new Promise(() => undefined);
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  // The boat's own answers are objects.
  const answer = isJson ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {};
  sim.trace.add(
    `${name} ${JSON.stringify(body ?? {})} ${response.status} ${answer['queue_id'] ?? answer['code'] ?? ''}`,
  );
  const mayFail = isCardUnfit(sim) || alive.isStopping;
  if (response.status === 500 && !mayFail) sim.oracle.violate(`${name} answered ${response.status} ${text}`);
  return answer;
}
