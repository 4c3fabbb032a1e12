import type { ExportError } from '../platform/errors.ts';
import type { OutputFormat } from './arguments.ts';

/** Where a command's words go. */
export interface Output {
  /** Progress, as it happens: standard output for a person, standard error beside JSON. */
  say(line: string): void;
  /** The result, once: `raw` as one line of JSON, or `lines`. */
  result(raw: unknown, lines: readonly string[]): void;
  /** What went wrong and what to do about it. */
  failure(error: ExportError): void;
}

export function createOutput(
  format: OutputFormat,
  stdout: (line: string) => void,
  stderr: (line: string) => void,
): Output {
  const say = format === 'json' ? stderr : stdout;
  return {
    say: (line) => say(toPlainLine(line)),
    result(raw, lines) {
      if (format === 'json') stdout(JSON.stringify(raw));
      else for (const line of lines) stdout(toPlainLine(line));
    },
    failure({ message, code, hint }) {
      if (format === 'json') stdout(JSON.stringify({ success: false, error: message, code, hint }));
      else {
        stderr(toPlainLine(`✗ ${message} [${code}]`));
        stderr(toPlainLine(`  ${hint}`));
      }
    },
  };
}

/** What central answered or a record holds is shown too: it gives the terminal no orders and begins no line of its own. */
function toPlainLine(line: string): string {
  return line.replace(/\p{Cc}+/gu, '\ufffd');
}
