import type { Answer } from '../api/contract.ts';
import { toOwnText } from '../collect/redact.ts';
import type { DoctorMode } from '../export-manager.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import { toPlainJsonLines } from '../platform/plain-text.ts';
import type { Clock, Disk } from '../platform/ports.ts';
import { SOFTWARE_VERSION } from '../platform/software-version.ts';
import type { SupportFacts } from '../platform/support-facts.ts';
import type { Api } from './api.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findSecrets, hideSecrets, type KnownSecrets } from './known-secrets.ts';
import type { Output } from './output.ts';
import { type ConfigWorld, describeConfig } from './show-config.ts';

/** Maximum number of entries per status and of delivered exports in the bundle. The counts still cover all of them. */
const ENTRIES_MAX = 100;

/** Maximum length of one string, in characters. The export manager's log lines are shorter. */
const TEXT_LENGTH_MAX = 2_000;

/** Maximum size of the bundle, in bytes, so that it can be sent by e-mail. A larger bundle leaves out the log lines. */
const BUNDLE_SIZE_MAX_BYTES = 4 * 1024 * 1024;

export interface SupportBundleDeps {
  readonly api: Api;
  readonly output: Output;
  readonly world: ConfigWorld;
  readonly root: string;
  /** The webhook's URL, which is often a secret. */
  readonly webhookUrl: string | undefined;
  readonly disk: Disk;
  readonly clock: Pick<Clock, 'wall'>;
  readonly supportFacts: () => Promise<SupportFacts>;
  readonly diagnose: (mode: DoctorMode) => Promise<unknown>;
}

/**
 * Runs `d3kos-export support-bundle`: shows the information that support needs. With `file`, writes exactly the same output to a
 * new file that only the user who ran the command can read. It contains no records, secrets, e-mail addresses or user names. If a
 * part cannot be read, the bundle contains the reason instead, so the command also works while the export manager is not running.
 * If a file with a secret cannot be read, the bundle leaves out everything that could contain the secret. Throws REQUEST_INVALID
 * if the file exists, and DISK_….
 */
export async function runSupportBundle(deps: SupportBundleDeps, file: string | undefined): Promise<ExitCode> {
  if (file !== undefined && (await deps.disk.stat(file)) !== undefined)
    throw new ExportError('REQUEST_INVALID', `${file} already exists`, {
      op: 'write the support bundle',
      hint: 'Specify the name of a new file.',
    });
  const bundle = await makeBundle(deps);
  const lines = toPlainJsonLines(bundle);
  deps.output.result(bundle, lines);
  if (file === undefined) {
    deps.output.note('This is the complete bundle. Nothing was written; add --write FILE to write it');
    return EXIT.done;
  }
  await deps.disk.replace(file, Buffer.from(`${lines.join('\n')}\n`));
  deps.output.note(`Written to ${file}, exactly as shown`);
  return EXIT.done;
}

async function makeBundle(deps: SupportBundleDeps): Promise<unknown> {
  const { clock, output, root, webhookUrl } = deps;
  const { log, ...machine } = await deps.supportFacts();
  const secrets = await findSecrets(deps.world, root, webhookUrl);
  const parts = {
    made_at: new Date(clock.wall()).toISOString(),
    version: SOFTWARE_VERSION,
    machine,
    config: await orReason(async () => (await describeConfig(deps.world)).raw),
  };
  const [unreadable] = secrets.unreadable;
  if (unreadable !== undefined) {
    const unavailable = `left out, because ${unreadable} cannot be read, so its secret could not be removed`;
    output.note(`Only a part of the bundle: ${unreadable} cannot be read. Run the command with sudo`);
    const left: Reason = { unavailable };
    const answers = { status: left, doctor: left, queue: left, history: left };
    return removePrivate({ ...parts, ...answers, log: { unreadable: unavailable } }, secrets);
  }
  const answers = await readAnswers(deps);
  const whole = removePrivate({ ...parts, ...answers, log }, secrets);
  if (Buffer.byteLength(JSON.stringify(whole)) <= BUNDLE_SIZE_MAX_BYTES) return whole;
  const tooLarge = { unreadable: 'the log lines were left out, because the bundle was too large' };
  return removePrivate({ ...parts, ...answers, log: tooLarge }, secrets);
}

/** The export manager's answers. Messages in them could contain a secret. */
async function readAnswers({ api, diagnose }: SupportBundleDeps) {
  return {
    status: await orReason(async () => (await api.call('status')).raw),
    doctor: await orReason(async () => (await api.call('doctor')).raw).then(async (answer) =>
      isReason(answer) ? orReason(() => diagnose('examine')) : answer,
    ),
    queue: await orReason(async () => toQueueSummary((await api.call('queue')).value)),
    history: await orReason(async () =>
      toHistorySummary((await api.call('history', { query: { limit: ENTRIES_MAX } })).value),
    ),
  };
}

interface Reason {
  readonly unavailable: string;
}

async function orReason(read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    if (!isExportError(error)) throw error;
    return { unavailable: `${error.message} [${error.code}]` } satisfies Reason;
  }
}

function isReason(value: unknown): value is Reason {
  return typeof value === 'object' && value !== null && 'unavailable' in value;
}

function toQueueSummary(queue: Answer<'queue'>): unknown {
  return Object.fromEntries(
    Object.entries(queue).map(([status, entries]) =>
      Array.isArray(entries)
        ? [status, { count: entries.length, newest: entries.slice(-ENTRIES_MAX) }]
        : [status, entries],
    ),
  );
}

/** Leaves out central's receipts and the names of rejected records. */
function toHistorySummary({ exports }: Answer<'history'>): unknown {
  return exports.map(({ rejected_records: rejected, ...one }) => ({
    ...one,
    rejected_records: Array.isArray(rejected) ? rejected.length : rejected,
  }));
}

const EMAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g;
const HOME = /\/home\/[^/\s"']+/g;
/** The home folder of the boat's own account, which is not removed because it is the same on every boat. */
const OWN_HOME = '/home/d3kos';

/** Removes secrets, e-mail addresses and user names from every string and key in a JSON value, and truncates long strings. */
function removePrivate(value: unknown, secrets: KnownSecrets): unknown {
  if (typeof value === 'string') return toShareable(value, secrets);
  if (Array.isArray(value)) return value.map((one) => removePrivate(one, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [toShareable(key, secrets), removePrivate(one, secrets)]),
  );
}

function toShareable(text: string, secrets: KnownSecrets): string {
  // Secrets are removed first, because truncation could leave part of a secret at the end, which would not be recognised.
  return toOwnText(hideSecrets(text, secrets))
    .replaceAll(EMAIL, '[e-mail address]')
    .replaceAll(HOME, (path) => (path === OWN_HOME ? path : '/home/[user]'))
    .slice(0, TEXT_LENGTH_MAX);
}
