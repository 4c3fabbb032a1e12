import { setTimeout as sleep } from 'node:timers/promises';
import { SHELL_READY } from './boat-system.ts';
import { connectWhenPossible } from './connect-when-possible.ts';

/** A command's result on the boat, or `powerless` if the power failed before the result arrived. */
export type CommandResult =
  { readonly kind: 'ended'; readonly code: number; readonly output: string } | { readonly kind: 'powerless' };

/** A root shell on the boat's virtio console. It works without a network. */
export interface GuestShell {
  /** Resolves to true when the shell is ready for commands, and to false if power fails first. */
  readonly ready: Promise<boolean>;
  /** Runs a command. Commands run one after another. Rejects if the command takes longer than `maxMs`. */
  run(command: string, maxMs: number): Promise<CommandResult>;
  /** Ends the connection. A running command resolves to `powerless`. */
  close(): void;
}

/**
 * Connects to the console of a QEMU that has just been started. `hasEnded` is true once it has ended. `state` states whether the
 * boat is booting or continues from a saved state in which the shell is ready.
 */
export async function connectShell(
  socketPath: string,
  hasEnded: () => boolean,
  state: 'boots' | 'continues',
): Promise<GuestShell> {
  const socket = await connectWhenPossible(socketPath, hasEnded);
  socket.setEncoding('utf8');
  let received = '';
  let isOpen = true;
  let check: () => void = () => undefined;
  socket.on('data', (text: string) => {
    received += text;
    check();
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    isOpen = false;
    check();
  });
  /** Resolves to the match of `pattern` in the received text, or to undefined if the connection ends first. */
  const untilMatch = (pattern: RegExp): Promise<RegExpExecArray | undefined> =>
    new Promise((resolve) => {
      check = () => {
        const match = pattern.exec(received);
        if (match !== null) resolve(match);
        else if (!isOpen) resolve(undefined);
      };
      check();
    });
  let commands = 0;
  const runNow = async (command: string, maxMs: number): Promise<CommandResult> => {
    commands += 1;
    received = '';
    const mark = `boat-lab-${commands}`;
    socket.write(`( ${command}\n) </dev/null 2>&1; printf '\\n%s-end %s\\n' ${mark} $?\n`);
    const timeout = new AbortController();
    const late = sleep(maxMs, 'late' as const, { signal: timeout.signal }).catch(() => undefined);
    const match = await Promise.race([untilMatch(new RegExp(`\\r?\\n${mark}-end (\\d+)\\r?\\n`)), late]);
    timeout.abort();
    if (match === 'late')
      throw new Error(`a command on the boat took longer than ${maxMs / 1_000} s: ${command}\n${received}`);
    if (match === undefined) return { kind: 'powerless' };
    const output = received.slice(0, match.index).replaceAll('\r', '');
    return { kind: 'ended', code: Number(match[1]), output: output.trim() };
  };
  const ready =
    state === 'continues'
      ? Promise.resolve(true)
      : untilMatch(new RegExp(SHELL_READY)).then((match) => match !== undefined);
  let last: Promise<unknown> = ready;
  return {
    ready,
    run(command, maxMs) {
      const result = last.then(() => runNow(command, maxMs));
      last = result.catch(() => undefined);
      return result;
    },
    close: () => socket.destroy(),
  };
}
