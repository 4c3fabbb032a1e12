import { toPlainJson, toPlainText } from './plain-text.ts';
import type { Log, LogLevel } from './ports.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * Creates a log that writes one line per event to `stream`: level, message, and facts as `key=value`. The supervisor adds the
 * time. Text from outside can neither add a line nor control a terminal.
 */
export function createLineLog(stream: { write(text: string): unknown }, least: LogLevel): Log {
  return {
    write(level, message, facts = {}) {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
      const shown = Object.entries(facts).map(
        ([key, value]) => ` ${key}=${typeof value === 'string' ? toPlainJson(value) : String(value)}`,
      );
      stream.write(`${level} ${toPlainText(message.replaceAll('\n', ' '))}${shown.join('')}\n`);
    },
  };
}

/** A log that discards every line. */
export const SILENT_LOG: Log = { write: () => undefined };
