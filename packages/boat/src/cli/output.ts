import type { ExportError } from '../platform/errors.ts';
import { toPlainJson, toPlainText } from '../platform/plain-text.ts';
import type { OutputFormat } from './arguments.ts';

/**
 * A command's output. It can contain text from central and from records, which must neither control the terminal nor add lines.
 * All characters that are not plain text are therefore replaced, or escaped in JSON.
 */
export interface Output {
  /** Writes a line of progress to standard output, or to standard error if the result is JSON. */
  progress(line: string): void;
  /** Writes the result: `raw` as one line of JSON if the output format is JSON, otherwise `lines`. Must be called only once. */
  result(raw: unknown, lines: readonly string[]): void;
  /** Writes a line to standard error. It is not part of the result. */
  note(line: string): void;
  /** Writes an error's message, code and hint. */
  failure(error: ExportError): void;
}

export function createOutput(
  format: OutputFormat,
  stdout: (line: string) => void,
  stderr: (line: string) => void,
): Output {
  const writeProgress = format === 'json' ? stderr : stdout;
  return {
    progress: (line) => writeProgress(toPlainText(line)),
    result(raw, lines) {
      if (format === 'json') stdout(toPlainJson(raw));
      else for (const line of lines) stdout(toPlainText(line));
    },
    note: (line) => stderr(toPlainText(line)),
    failure({ message, code, hint }) {
      if (format === 'json') stdout(toPlainJson({ success: false, error: message, code, hint }));
      else {
        stderr(toPlainText(`✗ ${message} [${code}]`));
        stderr(toPlainText(`  ${hint}`));
      }
    },
  };
}
