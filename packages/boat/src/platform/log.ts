import type { Log, LogLevel } from './ports.ts';

/** Levels from the least to the most important, with journald's priority of each (sd-daemon(3)). */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/** Longest value of a fact: a whole answer of somebody else's does not belong in a journal on an SD card. */
const VALUE_LENGTH_MAX = 500;

/** How deep the causes of an error are told. */
const CAUSES_MAX = 5;

export interface LogOptions {
  /** Takes one line without its end. Stderr's by default. */
  readonly writeLine?: (line: string) => void;
  /** True where journald reads stderr: lines begin with their priority instead of a time and a level. */
  readonly journald: boolean;
  /** The least important level that is written. */
  readonly level: LogLevel;
}

/**
 * Lines for a person: the message, then the facts as `key=value`, always one line. It never throws: what cannot be told
 * is told as `?`. It hides nothing, because it is never given a secret.
 */
export function createLog(options: LogOptions): Log {
  const writeLine = options.writeLine ?? stderrLines();
  return {
    write: (level, message, facts) => {
      if (PRIORITIES[level] > PRIORITIES[options.level]) return;
      const head = options.journald
        ? `<${PRIORITIES[level]}>`
        : `${new Date().toISOString()} ${level.padEnd(5)} `;
      writeLine(`${head}${toOneLine(message)}${toFacts(facts)}`);
    },
  };
}

/** Lines to stderr. A reader that went away (journald restarting) costs lines, not the program: Node ends one that does not listen. */
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
  const text = toOneLine(toText(value)).slice(0, VALUE_LENGTH_MAX);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function toText(value: unknown): string {
  try {
    if (typeof value === 'string') return value;
    if (value instanceof Error) return toCauses(value);
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
  } catch {
    // A value with a getter or a cycle of its own must not end the program that tells of it.
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

/** Line ends and other control characters as spaces: one message is one line, and no terminal is given orders. */
function toOneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ');
}
