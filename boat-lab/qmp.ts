import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectWhenPossible } from './connect-when-possible.ts';

/** An answer's content. Its keys depend on the command. */
export type QmpAnswer = Readonly<Record<string, unknown>>;

/** QEMU's machine protocol: one JSON object per line for each command, answer and event. */
export interface Qmp {
  /** Resolves to the answer when QEMU has executed the command. Rejects if QEMU refuses the command or ends. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<QmpAnswer>;
  close(): void;
}

/** Connects to the QMP socket of a QEMU that has just been started. `hasEnded` is true once it has ended. */
export async function connectQmp(socketPath: string, hasEnded: () => boolean): Promise<Qmp> {
  const socket = await connectWhenPossible(socketPath, hasEnded);
  const lines = createInterface(socket);
  // QEMU may be killed while the connection is open. The line reader repeats the socket's error.
  for (const emitter of [socket, lines]) emitter.on('error', () => undefined);
  const waiting = new Map<number, (result: QmpAnswer | Error) => void>();
  let last = 0;
  lines.on('line', (line) => {
    // QEMU writes JSON objects. Greetings and events have no id.
    const message = JSON.parse(line) as { id?: number; return?: QmpAnswer; error?: { desc: string } };
    const { id, error } = message;
    if (id === undefined) return;
    waiting.get(id)?.(
      error === undefined ? (message.return ?? {}) : new Error(`QEMU refused a command: ${error.desc}`),
    );
    waiting.delete(id);
  });
  socket.once('close', () => {
    for (const settle of waiting.values()) settle(new Error('QEMU ended before it answered a command'));
    waiting.clear();
  });
  const execute: Qmp['execute'] = (command, args = {}) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, (result) => (result instanceof Error ? reject(result) : resolve(result)));
      socket.write(`${JSON.stringify({ execute: command, arguments: args, id: last })}\n`);
    });
  await execute('qmp_capabilities');
  return { execute, close: () => socket.destroy() };
}

/** Interval between queries of a state that QEMU does not report reliably with an event. */
const QUERY_PAUSE_MS = 50;

/** Repeats `command` until `isReached` accepts its answer. */
export async function untilAnswer(
  qmp: Qmp,
  command: string,
  isReached: (answer: QmpAnswer) => boolean,
): Promise<void> {
  while (!isReached(await qmp.execute(command))) await sleep(QUERY_PAUSE_MS);
}
