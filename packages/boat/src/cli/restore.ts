import type { RestoreRequest } from '../restore-files.ts';
import type { FileAction } from '../restore/policy.ts';
import type { PlannedFile, RestorePlan } from '../restore/restore.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import { toTable } from './tables.ts';

/** How each action is described before and after the files are written. */
const ACTIONS: Readonly<Record<FileAction, readonly [planned: string, done: string]>> = {
  create: ['would be created', 'created'],
  update: ['would be updated', 'updated'],
  unchanged: ['up to date', 'up to date'],
  keep_newer: ['kept: newer', 'kept: newer'],
  keep_unreadable: ['kept: unreadable', 'kept: unreadable'],
};

/** Runs `d3kos-export restore`. Exits with 1 if `--write` skipped a file that does not have the restored values. */
export async function runRestore(
  restore: (request: RestoreRequest) => Promise<RestorePlan>,
  output: Output,
  request: RestoreRequest,
): Promise<ExitCode> {
  const plan = await restore(request);
  output.result(toAnswer(plan, request), toLines(plan, request));
  return request.mode === 'write' && plan.files.some(isKept) ? EXIT.failed : EXIT.done;
}

function isKept({ action }: PlannedFile): boolean {
  return action === 'keep_newer' || action === 'keep_unreadable';
}

function toAnswer({ files, notRestored, recordedAt }: RestorePlan, { mode }: RestoreRequest): unknown {
  return {
    success: true,
    written: mode === 'write',
    recorded_at: recordedAt,
    files: files.map(({ path, action, keys, reason }) => ({
      path,
      action,
      keys,
      ...(reason === undefined ? {} : { reason }),
    })),
    not_restored: notRestored,
  };
}

function toLines(
  { files, notRestored, recordedAt }: RestorePlan,
  { mode }: RestoreRequest,
): readonly string[] {
  const isDone = mode === 'write';
  if (files.length === 0)
    return [
      'Central holds no settings for this boat.',
      ...notRestored.map((line) => `Not restored: ${line}`),
    ];
  const rows = files.map(({ path, action, keys, reason }) => [
    path,
    ACTIONS[action][isDone ? 1 : 0],
    reason ?? keys.join(', '),
  ]);
  return [
    `Onboarding of ${recordedAt.onboarding ?? '---'}, settings of ${recordedAt.settings ?? '---'}`,
    '',
    ...toTable(['FILE', 'ACTION', 'VALUES'], rows),
    ...notRestored.map((line) => `Not restored: ${line}`),
    '',
    ...toNext(files, isDone),
  ];
}

function toNext(files: readonly PlannedFile[], isDone: boolean): readonly string[] {
  const isPending = files.some(({ action }) => action === 'create' || action === 'update');
  const newer = files.filter(({ action }) => action === 'keep_newer').length;
  return [
    ...(isDone || !isPending
      ? []
      : ['Nothing was written. To write these files: d3kos-export restore --write']),
    ...(newer === 0 ? [] : ['To update newer files too: d3kos-export restore --write --force']),
    ...(isDone && isPending ? ['Restart the boat so that every program reads the restored settings.'] : []),
    ...(!isPending && newer === 0 ? ['Nothing to do.'] : []),
  ];
}
