import type { ExportError } from '../platform/errors.ts';
import type { OutputFormat } from './arguments.ts';

/** The output of a command. */
export interface Output {
  /** Writes a line of progress to standard output, or to standard error if the result is JSON. */
  progress(line: string): void;
  /** Writes the result once, either `raw` as one line of JSON or `lines`. */
  result(raw: unknown, lines: readonly string[]): void;
  /** Writes a line to standard error. It is not part of the result. */
  note(line: string): void;
  /** Writes the message, the code and the hint of an error. */
  failure(error: ExportError): void;
}

export function createOutput(
  format: OutputFormat,
  stdout: (line: string) => void,
  stderr: (line: string) => void,
): Output {
  const writeProgress = format === 'json' ? stderr : stdout;
  return {
    progress: (line) => writeProgress(toPlainLine(line)),
    result(raw, lines) {
      if (format === 'json') stdout(JSON.stringify(raw));
      else for (const line of lines) stdout(toPlainLine(line));
    },
    note: (line) => stderr(toPlainLine(line)),
    failure({ message, code, hint }) {
      if (format === 'json') stdout(JSON.stringify({ success: false, error: message, code, hint }));
      else {
        stderr(toPlainLine(`✗ ${message} [${code}]`));
        stderr(toPlainLine(`  ${hint}`));
      }
    },
  };
}

/**
 * Replaces control characters. The output includes texts from central and from records, which must not control the
 * terminal or add lines.
 */
function toPlainLine(line: string): string {
  return line.replace(/\p{Cc}+/gu, '\ufffd');
}
