import { toPlainText } from './plain-text.ts';
import type { Log, LogLevel } from './ports.ts';

/** The levels, from least to most important, with their journald priorities (sd-daemon(3)). */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/** Maximum length of a fact's value, in characters, so that a complete HTTP answer cannot fill a journal on an SD card. */
const VALUE_LENGTH_MAX = 500;

/** Maximum number of nested causes to log for an error. */
const CAUSES_MAX = 5;

export interface LogOptions {
  /** Receives one line without a newline. Writes to stderr by default. */
  readonly writeLine?: (line: string) => void;
  /** True when journald reads stderr. Lines then begin with their priority instead of a time and a level. */
  readonly journald: boolean;
  /** The least important level to write. */
  readonly level: LogLevel;
}

/**
 * Writes one line per message: the message, then the facts as `key=value`. Never throws: a value that cannot be converted to text
 * is logged as `?`. The log redacts nothing, so callers must not pass secrets.
 */
export function createLog(options: LogOptions): Log {
  const writeLine = options.writeLine ?? stderrLines();
  return {
    write: (level, message, facts) => {
      if (PRIORITIES[level] > PRIORITIES[options.level]) return;
      const head = options.journald
        ? `<${PRIORITIES[level]}>`
        : `${new Date().toISOString()} ${level.padEnd(5)} `;
      writeLine(`${head}${toPlainText(message)}${toFacts(facts)}`);
    },
  };
}

/**
 * Creates a function that writes lines to stderr. While stderr has no reader, for example while journald restarts, lines are
 * lost. Without the error listener, the process would crash in that situation.
 */
function stderrLines(): (line: string) => void {
  process.stderr.on('error', () => undefined);
  return (line) => {
    process.stderr.write(`${line}\n`);
  };
}

function toFacts(facts: Readonly<Record<string, unknown>> | undefined): string {
  if (facts === undefined) return '';
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${toValue(value)}`)
    .join('');
}

function toValue(value: unknown): string {
  const text = toPlainText(toText(value)).slice(0, VALUE_LENGTH_MAX);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function toText(value: unknown): string {
  try {
    if (typeof value === 'string') return value;
    if (value instanceof Error) return toCauses(value);
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
  } catch {
    // A value with a cycle or a getter that throws must not crash the program that logs it.
    return '?';
  }
}

function toCauses(error: Error): string {
  const messages: string[] = [];
  for (
    let cause: unknown = error;
    cause instanceof Error && messages.length < CAUSES_MAX;
    cause = cause.cause
  )
    messages.push(cause.message);
  return messages.join(': ');
}
