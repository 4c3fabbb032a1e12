import { Argument, Command as Program, InvalidArgumentError } from 'commander';
import { HISTORY_MAX } from '../api/requests.ts';
import type { BundleScope } from '../bundle/bundler.ts';
import type { DoctorMode } from '../export-manager.ts';
import type { RestoreRequest } from '../restore-files.ts';
import type { ExportType } from '../ledger/entry.ts';
import { SOFTWARE_VERSION } from '../platform/software-version.ts';
import { type Shell, SHELLS } from './completion.ts';
import { EXIT_CODE_LINES } from './exit-codes.ts';

/**
 * `data` only hands the queue over to the legacy exporter. `services` also stops this program's services and starts the legacy
 * ones.
 */
export type RollbackScope = 'data' | 'services';

/** A parsed command line. */
export type Command =
  | { readonly kind: 'help'; readonly text: string }
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
  | { readonly kind: 'enroll'; readonly code: string; readonly identity: 'keep' | 'replace' }
  | { readonly kind: 'doctor'; readonly mode: DoctorMode }
  | { readonly kind: 'rollback'; readonly scope: RollbackScope }
  | { readonly kind: 'config' }
  | { readonly kind: 'support_bundle'; readonly file: string | undefined }
  | { readonly kind: 'restore'; readonly request: RestoreRequest }
  | { readonly kind: 'completion'; readonly shell: Shell };

/** Default number of delivered exports that `history` lists: enough to fill one terminal screen. */
const HISTORY_LIMIT_DEFAULT = 20;

/** Width of help texts. Fixed, because the reference page includes the help texts. */
const HELP_COLUMNS = 100;

type Choose = (command: Command) => void;

/**
 * Creates the parser for all commands and options, including their help. Parsing calls `choose` with the parsed command, or
 * throws a CommanderError. `write` receives the help texts.
 */
export function createProgram(choose: Choose, write: (text: string) => void): Program {
  const program = new Program('d3kos-export')
    .exitOverride()
    .configureOutput({
      writeOut: write,
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true })
    .usage('COMMAND [options]')
    .description(
      "Creates exports of the boat's records, stores them on the card, and delivers them to central. Every command except serve, config, restore, completion, doctor and rollback is a client of the running export manager on 127.0.0.1.",
    )
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .version(SOFTWARE_VERSION, '--version', 'show the version')
    .option('--json', 'write the result as a single JSON document, and progress to standard error');
  addServiceCommands(program, choose);
  addExportCommands(program, choose);
  addQueueCommands(program, choose);
  addEnrollCommand(program, choose);
  addCareCommands(program, choose);
  addRollbackCommand(program, choose);
  addSupportCommand(program, choose);
  program.addHelpText(
    'after',
    ` The port is EXPORT_PORT, or "port" in $D3KOS_ROOT/config/export.json; the default is 8094.\n Exit codes:\n${EXIT_CODE_LINES.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}`,
  );
  return program;
}

function examples(...lines: readonly string[]): string {
  return ` Examples:\n${lines.map((line) => `  d3kos-export ${line}`).join('\n')}`;
}

function addServiceCommands(program: Program, choose: Choose): void {
  program
    .command('serve')
    .summary('run the export manager')
    .description('Run the export manager in the foreground. d3kos-export-manager.service runs this command.')
    .action(() => choose({ kind: 'serve' }));
  program
    .command('boot')
    .summary('send waiting exports at boot and report progress')
    .description(
      'Wait up to 60 seconds each for the API and the network. Then report upload progress for up to 5 minutes. The export manager delivers exports even without this command. d3kos-export-boot.service runs this command.',
    )
    .action(() => choose({ kind: 'boot' }));
  program
    .command('daily')
    .summary('create the scheduled export, at most once a day')
    .description(
      "Create the day's incremental export, at tier 2 or higher. A second run on the same day does nothing. d3kos-export-daily.timer runs this command.",
    )
    .action(() => choose({ kind: 'daily' }));
}

function addExportCommands(program: Program, choose: Choose): void {
  const toType = (options: { readonly incremental?: true }): ExportType =>
    options.incremental === true ? 'incremental' : 'full';
  program
    .command('status')
    .summary('show tier, queue, central, schedule and storage')
    .description('Show tier, queue, connection to central, schedule and storage.')
    .addHelpText('after', examples('status', 'status --json | jq .queue.pending_count'))
    .action(() => choose({ kind: 'status' }));
  program
    .command('generate')
    .summary('create an export and queue it')
    .description(
      'Create an export of every record and queue it. The command returns once the export is durably stored on the card.',
    )
    .option('--incremental', 'export only what central does not have yet')
    .addHelpText('after', examples('generate', 'generate --incremental'))
    .action((options) => choose({ kind: 'generate', type: toType(options) }));
  program
    .command('preview')
    .summary('show what an export would contain')
    .description('Show what each category of an export would contain now. Nothing is queued.')
    .option('--incremental', 'preview an incremental export')
    .addHelpText('after', examples('preview --incremental'))
    .action((options) => choose({ kind: 'preview', type: toType(options) }));
  program
    .command('history')
    .summary('list delivered exports, newest first')
    .description('List delivered exports, newest first.')
    .option('--limit <n>', `show at most n exports (1 to ${HISTORY_MAX})`, parseLimit, HISTORY_LIMIT_DEFAULT)
    .addHelpText('after', examples('history', 'history --limit 100'))
    .action((options) => choose({ kind: 'history', limit: options.limit }));
}

function addQueueCommands(program: Program, choose: Choose): void {
  const queue = program
    .command('queue')
    .usage('COMMAND [options]')
    .summary('manage the exports in the queue')
    .description('List, retry, cancel and clean up the exports in the queue.')
    .addHelpText('after', examples('queue list', 'queue retry q_20260220_120000'));
  queue
    .command('list')
    .summary('list waiting, uploading, delivered and failed exports')
    .description('List waiting, uploading, delivered and failed exports.')
    .addHelpText('after', examples('queue list', 'queue list --json'))
    .action(() => choose({ kind: 'queue_list' }));
  queue
    .command('retry')
    .summary('return a failed export to the queue')
    .description('Return a failed export to the queue and reset its attempts.')
    .argument('<id>', 'queue ID, as shown by queue list', parseText)
    .addHelpText('after', examples('queue retry q_20260220_120000'))
    .action((queueId) => choose({ kind: 'queue_retry', queueId }));
  queue
    .command('cancel')
    .summary('cancel a waiting export')
    .description('Cancel a waiting export. Its file is kept, and the next export contains its records again.')
    .argument('<id>', 'queue ID, as shown by queue list', parseText)
    .addHelpText('after', examples('queue cancel q_20260220_120000'))
    .action((queueId) => choose({ kind: 'queue_cancel', queueId }));
  queue
    .command('cleanup')
    .summary('remove old delivered files')
    .description(
      'Remove the files of exports delivered more than 30 days ago. Also remove failed exports older than 7 days whose records have been delivered in another export.',
    )
    .addHelpText('after', examples('queue cleanup'))
    .action(() => choose({ kind: 'queue_cleanup' }));
}

function addEnrollCommand(program: Program, choose: Choose): void {
  program
    .command('enroll')
    .summary('enrol the boat at central with a one-time code')
    .description(
      "Enrol the boat at central with a one-time code from its operator (d3kos-central invite). The boat creates its own device token and stores it. If the answer is lost, enter the same code again. With --replace-id, the boat adopts the code's installation ID, for example after its SD card was replaced. This changes config/license.json and needs sudo.",
    )
    .argument('<code>', 'the code, in upper or lower case, with or without the hyphen', parseText)
    .option('--replace-id', "replace this boat's installation ID with the one the code was issued for")
    .addHelpText('after', examples('enroll 7KQ2M-4XB9C', 'enroll 7KQ2M-4XB9C --replace-id'))
    .action((code, options) =>
      choose({ kind: 'enroll', code, identity: options.replaceId === true ? 'replace' : 'keep' }),
    );
}

function addSupportCommand(program: Program, choose: Choose): void {
  program
    .command('support-bundle')
    .summary('show diagnostics for support, and write them to a file')
    .description(
      'Show settings, status, doctor, queue, history, versions and the latest log lines as one JSON document. With --write, write exactly this document to a new file. It contains no records, tokens, e-mail addresses or user names. Read it before you send it to anyone. If the files with the secrets cannot be read, everything that could contain a secret is left out. To include everything, run the command with sudo.',
    )
    .option('--write <file>', 'also write the document to this file', parseText)
    .addHelpText('after', examples('support-bundle | less', 'support-bundle --write support.json'))
    .action((options) => choose({ kind: 'support_bundle', file: options.write }));
}

function addCareCommands(program: Program, choose: Choose): void {
  program
    .command('bundle')
    .summary('write waiting exports to a USB drive as one file')
    .description(
      'Write waiting exports to a USB drive as one file for `d3kos-central import-bundle`, then read the file back to verify it. The exports stay in the queue.',
    )
    .argument('<directory>', 'directory on the mounted USB drive', parseText)
    .option('--failed', 'also include failed exports')
    .addHelpText('after', examples('bundle /media/usb', 'bundle --failed /media/usb'))
    .action((directory, options) =>
      choose({
        kind: 'bundle',
        directory,
        scope: options.failed === true ? 'waiting_and_failed' : 'waiting',
      }),
    );
  program
    .command('doctor')
    .summary('check the ledger, export files, card and settings')
    .description(
      "Compare the ledger with the export files, measure the card's speed, and check the settings. If the export manager is not running, the command reads the files itself. The exit code is 1 if a problem remains.",
    )
    .option('--repair', 'make all safe repairs')
    .addHelpText('after', examples('doctor', 'doctor --repair'))
    .action((options) => choose({ kind: 'doctor', mode: options.repair === true ? 'repair' : 'examine' }));
  program
    .command('config')
    .summary('show every setting and its source')
    .description(
      'Show every setting, its value, and whether it comes from the environment, the file or the defaults. The device token is never shown.',
    )
    .addHelpText('after', examples('config', 'config --json'))
    .action(() => choose({ kind: 'config' }));
  program
    .command('restore')
    .summary("restore a reflashed boat's settings from central")
    .description(
      'Show which settings central holds for this boat and which files they would be written to. With --write, write them. A file that has changed since the last export is kept. Before a file is updated, it is copied to NAME.before-restore. The exit code is 1 if --write skipped a file because it is newer or cannot be read.',
    )
    .option('--write', 'write the files')
    .option('--force', 'also update files that are newer than the settings on central')
    .addHelpText('after', examples('restore', 'restore --write'))
    .action((options) =>
      choose({
        kind: 'restore',
        request: {
          mode: options.write === true ? 'write' : 'show',
          newer: options.force === true ? 'update' : 'keep',
        },
      }),
    );
  program
    .command('completion')
    .summary('print the completion script for a shell')
    .description('Print the completion script for a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        'completion bash | sudo tee /etc/bash_completion.d/d3kos-export',
        'completion zsh > ~/.zfunc/_d3kos-export',
        'completion fish > ~/.config/fish/completions/d3kos-export.fish',
      ),
    )
    .action((shell) => choose({ kind: 'completion', shell }));
}

function addRollbackCommand(program: Program, choose: Choose): void {
  program
    .command('rollback')
    .summary('restore the legacy exporter')
    .description(
      'Stop the export manager, hand every undelivered export over to the legacy exporter in the legacy format, and start the legacy services exactly as they were before this package replaced them. Removing the package does the same. Run this command as root.',
    )
    .option('--data', 'only hand over the exports, and list the undelivered files')
    .addHelpText('after', examples('rollback'))
    .action((options) => choose({ kind: 'rollback', scope: options.data === true ? 'data' : 'services' }));
}

function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('The value is empty.');
  return text;
}

function parseLimit(text: string): number {
  if (!/^[1-9][0-9]{0,4}$/.test(text) || Number(text) > HISTORY_MAX)
    throw new InvalidArgumentError(`The value must be a whole number from 1 to ${HISTORY_MAX}.`);
  return Number(text);
}
