import type { Answer } from '../tests/support/processes.ts';
import type { BoatMachine } from './machine.ts';

export const SERVICE = 'd3kos-export-manager.service';

/** Timeout for one request, in seconds. A full export takes a few seconds on the emulated boat, and minutes on a busy host. */
const REQUEST_MAX_S = 600;

/** The export manager's answer, or the reason why there is none. */
export type BoatAnswer =
  | ({ readonly kind: 'answered' } & Answer)
  | { readonly kind: 'powerless' }
  | { readonly kind: 'unreachable'; readonly reason: string };

/** Time and memory that the export manager needed to start on the emulated boat. */
export interface StartMeasurement {
  /** Time from the start of its process until its API answered, in milliseconds. */
  readonly startMs: number;
  /** Resident memory after the start, in kB. */
  readonly residentKb: number;
}

/** Runs a command on a boat that keeps its power. Throws if the command fails. */
export async function runOrThrow(machine: BoatMachine, command: string): Promise<string> {
  const result = await machine.run(command);
  if (result.kind === 'powerless') throw new Error(`the boat ended during: ${command}\n${machine.console()}`);
  if (result.code !== 0)
    throw new Error(`a command on the boat ended with ${result.code}: ${command}\n${result.output}`);
  return result.output;
}

/** Sends a request to the export manager from the boat itself, so that no network is needed. */
export async function askBoat(
  machine: BoatMachine,
  method: string,
  path: string,
  body?: unknown,
): Promise<BoatAnswer> {
  const data = body === undefined ? '' : `-d '${JSON.stringify(body)}'`;
  const result = await machine.run(
    `curl -sS -m ${REQUEST_MAX_S} -X ${method} ${data} -w '\\n%{http_code}' 'http://127.0.0.1:8094${path}'`,
  );
  if (result.kind === 'powerless') return result;
  const [, text = '', status = ''] = /^([^]*)\n(\d{3})$/.exec(result.output) ?? [];
  if (result.code !== 0) return { kind: 'unreachable', reason: result.output };
  return { kind: 'answered', status: Number(status), json: JSON.parse(text) as Record<string, unknown> };
}

/** Sends a request on a boat that keeps its power. Throws if there is no answer. */
export async function requestBoat(
  machine: BoatMachine,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const answer = await askBoat(machine, method, path, body);
  if (answer.kind === 'answered') return answer;
  const reason = answer.kind === 'powerless' ? 'the boat ended' : answer.reason;
  throw new Error(`${method} ${path} got no answer: ${reason}\n${machine.console()}`);
}

/**
 * Waits until the API answers after a boot, and measures the start. Throws if systemd had to start the export manager more than
 * once.
 */
export async function measureStart(machine: BoatMachine): Promise<StartMeasurement> {
  const output = await runOrThrow(
    machine,
    `until systemctl is-active -q ${SERVICE}; do sleep 0.5; done
systemctl show ${SERVICE} -p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic -p NRestarts
grep VmRSS /proc/$(systemctl show -P MainPID ${SERVICE})/status`,
  );
  const read = (pattern: RegExp): number => Number(pattern.exec(output)?.[1]);
  if (read(/NRestarts=(\d+)/) !== 0) throw new Error(`the export manager did not start at once: ${output}`);
  return {
    startMs: Math.round((read(/ActiveEnter\w+=(\d+)/) - read(/ExecMainStart\w+=(\d+)/)) / 1_000),
    residentKb: read(/VmRSS:\s+(\d+)/),
  };
}

/** Does what NTP does on a Raspberry Pi once the network is available: sets the clock and creates timesyncd's file. */
export async function setClock(machine: BoatMachine): Promise<void> {
  await machine.run(
    `date -s @${Math.floor(Date.now() / 1_000)}; mkdir -p /run/systemd/timesync; touch /run/systemd/timesync/synchronized`,
  );
}
