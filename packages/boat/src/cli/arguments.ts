import { parseArgs } from 'node:util';
import type { BundleScope } from '../bundle/bundler.ts';
import type { DoctorMode } from '../export-manager.ts';
import type { ExportType } from '../ledger/entry.ts';
import { ExportError } from '../platform/errors.ts';
import { EXIT_CODE_LINES } from './exit-codes.ts';

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'serve' }
  | { readonly kind: 'generate'; readonly type: ExportType }
  | { readonly kind: 'status' }
  | { readonly kind: 'queue_list' }
  | { readonly kind: 'queue_retry'; readonly queueId: string }
  | { readonly kind: 'queue_cancel'; readonly queueId: string }
  | { readonly kind: 'queue_cleanup' }
  | { readonly kind: 'history'; readonly limit: number }
  | { readonly kind: 'preview'; readonly type: ExportType }
  | { readonly kind: 'boot' }
  | { readonly kind: 'daily' }
  | { readonly kind: 'bundle'; readonly directory: string; readonly scope: BundleScope }
  | { readonly kind: 'doctor'; readonly mode: DoctorMode }
  | { readonly kind: 'config' };

/** How results are written: tables for a person, or the API's own JSON. */
export type OutputFormat = 'text' | 'json';

/** Delivered exports shown unless asked otherwise: what fits a terminal. */
const HISTORY_LIMIT_DEFAULT = 20;
/** The most the API gives in one answer. */
const HISTORY_LIMIT_MAX = 10_000;

/** What `d3kos-export --help` says. */
export const USAGE = `d3kos-export COMMAND [--json]

  serve                     run the export manager (what d3kos-export-manager.service does)
  generate [--incremental]  make an export and queue it: everything, or what is new
  status                    tier, queue, central, schedule, space
  queue list                the exports that wait, are sent, were delivered or failed
  queue retry ID            a failed export waits again, with all its attempts
  queue cancel ID           stop trying; its records go with the next export
  queue cleanup             remove delivered files that are old enough
  history [--limit N]       delivered exports, newest first (${HISTORY_LIMIT_DEFAULT})
  preview [--incremental]   what an export would hold now; nothing is queued
  bundle DIR [--failed]     write what waits to a stick, for d3kos-central import-bundle; also what failed
  boot                      after a start: wait for the network, send what waits, report (d3kos-export-boot.service)
  daily                     the scheduled export, once a day, tier 2 and higher (d3kos-export-daily.timer)
  doctor [--repair]         ledger against files, the card's speed, what is missing; mends what is safe to mend
  config                    every setting and where it came from; never the device token

  --json      standard output is one JSON document, the API's own answer; a failure is
              {"success":false,"error":…,"code":…,"hint":…}; progress goes to standard error
  --version   the version
  --help      this

Every command but serve and config asks the running export manager on 127.0.0.1 (EXPORT_PORT, or "port" in
$D3KOS_ROOT/config/export.json; 8094); doctor looks at the files itself where none runs.

Exit codes:
${EXIT_CODE_LINES.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}`;

/** True where the arguments ask for JSON, however wrong the rest of them is: then the complaint is JSON as well. */
export function toOutputFormat(argv: readonly string[]): OutputFormat {
  return argv.includes('--json') ? 'json' : 'text';
}

/** Options and the commands each belongs to. */
const OWN_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  incremental: ['generate', 'preview'],
  limit: ['history'],
  failed: ['bundle'],
  repair: ['doctor'],
};

/** Parses the arguments after the program's name. Throws REQUEST_INVALID naming what is wrong. */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parseOptions(argv);
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const [name = 'help', ...rest] = positionals;
  for (const [option, owners] of Object.entries(OWN_OPTIONS))
    if (option in values && !owners.includes(name))
      throw usage(`--${option} belongs to ${owners.join(' and ')}`);
  const type = values.incremental === true ? 'incremental' : 'full';
  if (name === 'queue') return parseQueueCommand(rest);
  if (name === 'bundle')
    return parseBundleCommand(rest, values.failed === true ? 'waiting_and_failed' : 'waiting');
  if (rest.length > 0) throw usage(`${name} takes no argument "${rest[0]}"`);
  switch (name) {
    case 'help':
    case 'serve':
    case 'status':
    case 'boot':
    case 'daily':
    case 'config':
      return { kind: name };
    case 'doctor':
      return { kind: 'doctor', mode: values.repair === true ? 'repair' : 'examine' };
    case 'generate':
    case 'preview':
      return { kind: name, type };
    case 'history':
      return { kind: 'history', limit: parseLimit(values.limit) };
    default:
      throw usage(`There is no command "${name}"`);
  }
}

function parseOptions(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
        json: { type: 'boolean' },
        incremental: { type: 'boolean' },
        limit: { type: 'string' },
        failed: { type: 'boolean' },
        repair: { type: 'boolean' },
      },
    });
  } catch (error) {
    // parseArgs throws a TypeError whose message names the option; anything else is a fault of ours.
    if (!(error instanceof TypeError)) throw error;
    throw usage(error.message);
  }
}

function parseQueueCommand(rest: readonly string[]): Command {
  const [name, queueId, ...more] = rest;
  switch (name) {
    case 'list':
    case 'cleanup':
      if (queueId !== undefined) throw usage(`queue ${name} takes no argument "${queueId}"`);
      return { kind: name === 'list' ? 'queue_list' : 'queue_cleanup' };
    case 'retry':
    case 'cancel':
      if (queueId === undefined || queueId === '' || more.length > 0)
        throw usage(`queue ${name} takes one queue id, such as q_20260220_120000`);
      return { kind: name === 'retry' ? 'queue_retry' : 'queue_cancel', queueId };
    default:
      throw usage(
        name === undefined
          ? 'queue needs list, retry, cancel or cleanup'
          : `There is no command "queue ${name}"`,
      );
  }
}

function parseBundleCommand(rest: readonly string[], scope: BundleScope): Command {
  const [directory, ...more] = rest;
  if (directory === undefined || directory === '' || more.length > 0)
    throw usage('bundle takes one folder, where the stick is mounted');
  return { kind: 'bundle', directory, scope };
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return HISTORY_LIMIT_DEFAULT;
  if (!/^[1-9][0-9]{0,4}$/.test(text) || Number(text) > HISTORY_LIMIT_MAX)
    throw usage(`--limit is a whole number from 1 to ${HISTORY_LIMIT_MAX}, not "${text}"`);
  return Number(text);
}

function usage(message: string): ExportError {
  return new ExportError('REQUEST_INVALID', message, {
    op: 'read the command line',
    hint: 'See d3kos-export --help.',
  });
}
