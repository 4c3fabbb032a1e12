import { join } from 'node:path';
import type { Category } from '@d3kos/protocol';
import { toDiskReason } from '../platform/disk-error.ts';
import { isExportError } from '../platform/errors.ts';
import { BOATLOG_DATABASES } from './boatlog.ts';
import { CAPTURES_DATABASES } from './marine-vision-captures.ts';
import { openSourceTable, type SourceAccess, type SourceDatabases } from './source-table.ts';
import { ISSUES_DATABASES } from './system-alerts.ts';

/** A source that exists but cannot be read. `detail` gives its name and the reason. */
export interface UnreadableSource {
  readonly category: Category;
  readonly detail: string;
}

const DATABASES: readonly (readonly [Category, SourceDatabases])[] = [
  ['boatlog', BOATLOG_DATABASES],
  ['marine_vision_captures', CAPTURES_DATABASES],
  ['system_alerts', ISSUES_DATABASES],
];

/** The files that the other categories read (docs/spec/sources.md), as paths below the boat's root. */
const FILES: readonly (readonly [Category, readonly string[]])[] = [
  [
    'engine_benchmark',
    ['config/benchmark-results.json', 'data/engine-benchmark.json', 'data/baselines/engine-baseline.json'],
  ],
  ['qr_codes', ['data/qr-codes.json']],
  [
    'settings',
    [
      'config/license.json',
      'config/user-preferences.json',
      'config/community-prefs.json',
      'config/timezone.txt',
      'config/version.txt',
      'config/slots.json',
      'config/settings.json',
      'VERSION',
    ],
  ],
  ['system_alerts', ['data/alerts.json', 'data/alarm-webhook-log.jsonl']],
  [
    'onboarding',
    ['config/onboarding.json', 'services/dashboard/config/vessel.env', 'state/onboarding-reset-count.json'],
  ],
];

/** Opens every source as the collectors do, without reading its records, and returns the sources that cannot be read. */
export async function inspectSources(context: SourceAccess): Promise<readonly UnreadableSource[]> {
  const unreadable: UnreadableSource[] = [];
  for (const [category, { names, table, aliases }] of DATABASES)
    for (const name of names) {
      const opened = await openSourceTable(context, name, table, aliases);
      if (opened.kind === 'table') opened.table.db.close();
      else if (opened.outcome.detail !== undefined)
        unreadable.push({ category, detail: opened.outcome.detail });
    }
  for (const [category, names] of FILES)
    for (const name of names) {
      const reason = await findFault(() =>
        context.disk.readRange(join(context.paths.root, name), 0, 1, 'follow'),
      );
      if (reason !== undefined) unreadable.push({ category, detail: `${name} ${reason}` });
    }
  const reason = await findFault(() => context.disk.list(context.paths.recordings, 'follow'));
  if (reason !== undefined)
    unreadable.push({ category: 'marine_vision_snapshots', detail: `the recordings folder ${reason}` });
  return unreadable;
}

/** Returns the reason for a disk operation's failure, or undefined if it succeeds. */
async function findFault(operation: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await operation();
    return undefined;
  } catch (error) {
    if (isExportError(error)) return toDiskReason(error);
    throw error;
  }
}
