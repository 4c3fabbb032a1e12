import type { Seeded } from '../packages/sim/src/fixture/seeded.ts';
import { askBoat, type BoatAnswer, setClock } from './boat-service.ts';
import type { BoatMachine } from './machine.ts';

/** One life in LINKLESS_ONE_IN begins without a link. */
const LINKLESS_ONE_IN = 4;
/**
 * Before one export in CHANGE_ONE_IN, the link is cut or restored. With the same probability, the clock is set, at most once in a
 * life.
 */
const CHANGE_ONE_IN = 4;
/** One export in FULL_ONE_IN contains every record and is delivered in several parts. */
const FULL_ONE_IN = 3;
/**
 * One export in COMMAND_ONE_IN is created with the command instead of the API, because the command starts slowly on the emulated
 * boat.
 */
const COMMAND_ONE_IN = 6;
/**
 * In one life in QUIET_ONE_IN, only the export manager writes to the card. An fsync by another program would also make the
 * export manager's writes durable.
 */
const QUIET_ONE_IN = 2;

/** An export that the boat acknowledged: the answer reached the host. */
export interface Acknowledged {
  readonly queueId: string;
  readonly exportId: string;
}

/** The exports that the boat acknowledged before its power failed, and the changes to its link and clock. */
export interface Work {
  readonly acknowledged: readonly Acknowledged[];
  readonly events: readonly string[];
}

/**
 * Creates exports on the boat until its power fails, or until it has acknowledged `exportsMax` exports. The link and the clock
 * change at random. Throws if the boat refuses an export while it has power.
 */
export async function work(
  machine: BoatMachine,
  seeded: Seeded,
  exportsMax = Number.POSITIVE_INFINITY,
): Promise<Work> {
  const acknowledged: Acknowledged[] = [];
  const events: string[] = [];
  let link: 'up' | 'down' = 'up';
  let isClockSet = false;
  const isQuiet = seeded.below(QUIET_ONE_IN) === 0;
  const changeLink = async (): Promise<void> => {
    link = link === 'up' ? 'down' : 'up';
    events.push(`link ${link}`);
    await machine.setLink(link);
  };
  if (seeded.below(LINKLESS_ONE_IN) === 0) await changeLink();
  if (seeded.below(2) === 0) isClockSet = await jumpClock(machine, events);
  while (acknowledged.length < exportsMax) {
    if (!isQuiet) await machine.run(toAddedRows(seeded));
    const made = await makeExport(machine, seeded, isQuiet);
    if (made === 'powerless') break;
    if (made !== undefined) acknowledged.push(made);
    if (seeded.below(CHANGE_ONE_IN) === 0) await changeLink();
    if (!isClockSet && seeded.below(CHANGE_ONE_IN) === 0) isClockSet = await jumpClock(machine, events);
  }
  return { acknowledged, events };
}

async function jumpClock(machine: BoatMachine, events: string[]): Promise<true> {
  events.push('clock set');
  await setClock(machine);
  return true;
}

/**
 * A command that durably adds a log entry and an alert, as the boat's services do. EXTRA also syncs the folder after the
 * journal is removed.
 */
function toAddedRows(seeded: Seeded): string {
  const moment = new Date(seeded.below(2 ** 31) * 1_000).toISOString();
  const entry = `INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES ('${moment}', 'manual', 'At sea')`;
  const alert = `INSERT INTO issues (timestamp, category, severity, description) VALUES ('${moment}', 'cpu', 'info', 'Usage')`;
  const add = (file: string, sql: string): string =>
    `runuser -u d3kos -- sqlite3 -cmd '.timeout 5000' /opt/d3kos/data/${file} "PRAGMA synchronous = EXTRA; ${sql}"`;
  return `${add('boatlog/boatlog.db', entry)}; ${add('self-healing/issues.db', alert)}`;
}

/** Makes an export. Returns undefined if there was nothing new to export. */
async function makeExport(
  machine: BoatMachine,
  seeded: Seeded,
  isQuiet: boolean,
): Promise<Acknowledged | 'powerless' | undefined> {
  const isFull = isQuiet || seeded.below(FULL_ONE_IN) === 0;
  const answer =
    seeded.below(COMMAND_ONE_IN) === 0
      ? await runGenerate(machine, isFull)
      : await askBoat(machine, 'POST', '/export/generate', { type: isFull ? 'full' : 'incremental' });
  if (answer.kind === 'powerless') return 'powerless';
  if (answer.kind === 'unreachable')
    throw new Error(
      `the boat created no export although it had power: ${answer.reason}\n${machine.console()}`,
    );
  const { json, status } = answer;
  if (status !== 200) throw new Error(`the boat refused an export with ${status}: ${JSON.stringify(json)}`);
  if (json['queued'] !== true) return undefined;
  return { queueId: String(json['queue_id']), exportId: String(json['export_id']) };
}

async function runGenerate(machine: BoatMachine, isFull: boolean): Promise<BoatAnswer> {
  const command = `d3kos-export generate --json ${isFull ? '' : '--incremental'}`;
  const result = await machine.run(`${command} 2>/tmp/generate-errors`);
  if (result.kind === 'powerless') return result;
  if (result.code !== 0) return { kind: 'unreachable', reason: `code ${result.code}: ${result.output}` };
  return { kind: 'answered', status: 200, json: JSON.parse(result.output) as Record<string, unknown> };
}
