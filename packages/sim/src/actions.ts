import type { Boat } from '@d3kos/boat';
import { noteDays } from './days-requested.ts';
import { isCardUnfit } from './incidents.ts';
import { toLedgerFacts } from './oracle/ledger-facts.ts';
import { type AnsweredRequest, checkReads } from './oracle/reads.ts';
import { checkReserve } from './oracle/reserve.ts';
import { MINUTE_MS } from './plan-times.ts';
import type { Action, SourceAction } from './plan-boots.ts';
import type { RunningBoat, Simulation } from './simulation.ts';

/** Performs an action on board. While the export manager is not running, only actions on sources have an effect. */
export function performAction(sim: Simulation, action: Action): void {
  sim.counts.actions += 1;
  if (action.kind === 'rows' || action.kind === 'change' || action.kind === 'remove') {
    sim.trace.add({ kind: 'action', action });
    changeSource(sim, action);
  } else if (sim.running !== undefined) performOnBoat(sim, sim.running, action);
}

function changeSource({ sources }: Simulation, action: SourceAction): void {
  switch (action.kind) {
    case 'rows':
      return sources.add(action.source, action.count);
    case 'change':
      return sources.change(action.source);
    case 'remove':
      return sources.remove(action.source);
  }
}

function performOnBoat(sim: Simulation, running: RunningBoat, action: Exclude<Action, SourceAction>): void {
  const { queue } = running.boat.ledger;
  const request = (method: string, path: string, body?: unknown): void =>
    follow(sim, running, requestJson(sim, running, method, path, body));
  switch (action.kind) {
    case 'replace-boatlog':
      // Owners stop exports before they restore a backup: no rule covers a database that is replaced while it is being read.
      if (running.exportsUnderWay > 0) return;
      sim.oracle.noteCursor(running.boat);
      sim.trace.add({ kind: 'action', action });
      sim.sources.replaceBoatlog(action.rows);
      return;
    case 'export':
      follow(sim, running, requestExport(sim, running, { type: action.type }));
      return;
    case 'daily':
      for (let time = 0; time < action.times; time += 1)
        follow(sim, running, requestExport(sim, running, { type: 'incremental', trigger: 'scheduled' }));
      return;
    case 'cancel': {
      const waiting = [...queue.list('uploading'), ...queue.list('pending')];
      const entry = waiting[action.which % Math.max(1, waiting.length)];
      if (entry === undefined) return;
      sim.trace.add({ kind: 'cancel_requested', queueId: entry.queueId });
      return request('DELETE', `/export/queue/${entry.queueId}`);
    }
    case 'retry': {
      const entry = queue.list('failed')[0];
      return entry === undefined ? undefined : request('POST', `/export/queue/${entry.queueId}/retry`);
    }
    case 'process':
      return request('POST', '/export/queue/process');
    case 'cleanup':
      return request('POST', '/export/queue/cleanup', { completed_older_than_days: action.olderThanDays });
    case 'bundle':
      follow(sim, running, carryBundle(sim, running, action));
      return;
    case 'look':
      return request('GET', action.path);
    case 'check':
      follow(sim, running, sim.clock.outside('checking', sim.oracle.checkRunning(running.boat)));
      return;
  }
}

/**
 * Writes waiting exports to a USB drive. Central imports the drive's content later, complete or truncated, regardless of what
 * happens on board.
 */
async function carryBundle(
  { clock, central, trace }: Simulation,
  running: RunningBoat,
  action: Extract<Action, { kind: 'bundle' }>,
): Promise<void> {
  const response = await fetchFromBoat(running, 'POST', '/export/bundle', { failed: action.withFailed });
  const bytes = await readUntilBroken(response);
  if (!running.boot.power.isOn()) return;
  trace.add({ kind: 'bundle_written', status: response.status, sizeBytes: bytes.length });
  if (response.status !== 200 || isJson(response)) return;
  const carried = bytes.subarray(0, Math.ceil(bytes.length * action.keptShare));
  clock.at(clock.now() + action.carriedMs, () => {
    for (let time = 0; time < action.times; time += 1)
      void central.importBundle(carried).then((result) => trace.add({ kind: 'bundle_imported', result }));
  });
}

/** Returns the bytes that arrived. If the download is interrupted, the bytes written so far stay on the drive. */
async function readUntilBroken(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk);
  } catch {
    // The drive keeps the bytes written before the failure, which the command itself reports.
  }
  return Buffer.concat(chunks);
}

/** Runs an action in the background. If the action fails, that is a violation unless the boat has lost power or is stopping. */
function follow(sim: Simulation, running: RunningBoat, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (!running.boot.power.isOn() || running.isStopping) return;
    sim.oracle.violate(`an action failed: ${error instanceof Error ? error.stack : String(error)}`);
  });
}

/**
 * Longest time until the boat answers a request for an export, in virtual time. The request may wait for other requests and for
 * a few sources that hang.
 */
const ANSWER_MAX_MS = 10 * MINUTE_MS;

/**
 * Watches a request for an export, and reports a violation if a running boat does not answer it. Returns the function to call
 * with the answer.
 */
function watchAnswer(sim: Simulation, { boot }: RunningBoat): () => void {
  let isAnswered = false;
  sim.clock.at(sim.clock.now() + ANSWER_MAX_MS, () => {
    if (!isAnswered && boot.power.isOn()) sim.oracle.violate('a request for an export was not answered');
  });
  return () => {
    isAnswered = true;
  };
}

/** Requests an export. If the boat acknowledges it, reports it to the oracle. */
async function requestExport(
  sim: Simulation,
  running: RunningBoat,
  body: Readonly<Record<string, string>>,
): Promise<void> {
  const { boat } = running;
  const before = sim.sources.presentVersions();
  running.exportsUnderWay += 1;
  noteDays(sim);
  const deliveredFiles = boat.ledger.queue.list('completed').map(({ exportFile }) => exportFile);
  const noteAnswer = watchAnswer(sim, running);
  const askedMs = sim.clock.now();
  const slotsBefore = running.exportsUnderWay === 1 ? boat.ledger.slots.claimed().length : undefined;
  const answer = await requestJson(sim, running, 'POST', '/export/generate', body);
  noteAnswer();
  checkReserve(toText(answer['code']), deliveredFiles, sim.machine.medium, sim.oracle.violate);
  noteDays(sim);
  running.exportsUnderWay -= 1;
  const queueId = toText(answer['queue_id']);
  const request = {
    askedMs,
    answeredMs: sim.clock.now(),
    outcome: toOutcome(answer),
    states: queueId === undefined ? {} : statesOf(boat, queueId),
    hasClaimedSlot: slotsBefore !== undefined && boat.ledger.slots.claimed().length > slotsBefore,
  };
  checkReads(request, sim.outages, sim.oracle.violate);
  if (answer['success'] !== true || answer['queued'] !== true) return;
  const export_ = {
    exportId: String(answer['export_id']),
    queueId: String(answer['queue_id']),
    slot: toText(answer['slot']),
  };
  sim.oracle.acknowledge(boat, export_, before);
}

function toOutcome(answer: Readonly<Record<string, unknown>>): AnsweredRequest['outcome'] {
  if (answer['success'] !== true || answer['skipped'] === true) return 'not_made';
  return answer['queued'] === true ? 'queued' : 'nothing_new';
}

/**
 * Returns the state of each category of a queued export, or an empty object if the export has been delivered and removed in the
 * meantime.
 */
function statesOf(boat: Boat, queueId: string): Readonly<Record<string, string>> {
  const entry = toLedgerFacts(boat).find(queueId);
  return Object.fromEntries(
    Object.entries(entry?.categories ?? {}).map(([category, count]) => [category, count?.state ?? 'unknown']),
  );
}

async function fetchFromBoat(
  { boat }: RunningBoat,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  return boat.app.fetch(
    new Request(`http://localhost:8094${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
}

/** Sends one request to the boat's local API. The promise never settles if power fails in the meantime. */
async function requestJson(
  sim: Simulation,
  running: RunningBoat,
  method: string,
  path: string,
  body?: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetchFromBoat(running, method, path, body);
  const text = await response.text();
  if (!running.boot.power.isOn()) return new Promise(() => undefined);
  // Every JSON answer of the boat is an object.
  const answer = isJson(response) ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {};
  sim.trace.add({
    kind: 'request_answered',
    request: `${method} ${path}`,
    body,
    status: response.status,
    code: toText(answer['code']),
    queueId: toText(answer['queue_id']),
    isQueued: typeof answer['queued'] === 'boolean' ? answer['queued'] : undefined,
  });
  const mayFail = isCardUnfit(sim) || running.isStopping;
  if (response.status === 500 && !mayFail) sim.oracle.violate(`${method} ${path} answered 500 ${text}`);
  return answer;
}

function isJson(response: Response): boolean {
  return response.headers.get('content-type')?.includes('json') === true;
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
