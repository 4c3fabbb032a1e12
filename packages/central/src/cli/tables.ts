import type { ExportReport } from '../data-export/export-installation.ts';
import type { BundleReport } from '../bundle/import-bundle.ts';
import type { LedgerSummary } from '../fleet/ledgers.ts';
import type { InstallationSummary } from '../fleet/installations.ts';
import type { QuotaOverride, Use } from '../import/quota-policy.ts';
import type { ListedEvent } from '../installations/audit.ts';
import type { BundleKeys } from '../installations/bundle-keys.ts';
import type { ListedToken } from '../installations/tokens.ts';
import { toPlainText } from '../platform/plain-text.ts';

/** The heading of the lines of `toInstallationLine`. */
export const INSTALLATIONS_HEADER = `${'installation'.padEnd(16)}  tier  ${'state'.padEnd(10)}  ${'last heard'.padEnd(24)}  ${'records'.padStart(10)}`;

/** Formats an installation as a line of a table. */
export function toInstallationLine(boat: InstallationSummary): string {
  return [
    boat.installation_id,
    String(boat.tier ?? '-').padEnd(4),
    toListState(boat).padEnd(10),
    (boat.last_heard_at ?? 'never').padEnd(24),
    String(boat.records).padStart(10),
  ].join('  ');
}

/** Formats the result of a bundle import. */
export function toBundleText(report: BundleReport): string {
  const records = Object.values(report.records_imported).reduce((sum, count) => sum + count, 0);
  const faults = [
    ...report.refused.map(({ key, reason }) => `  refused ${key}: ${reason}`),
    ...report.damaged.map(
      ({ offset, key, reason }) => `  damaged at byte ${offset}${key === null ? '' : ` (${key})`}: ${reason}`,
    ),
    ...report.skipped.map(({ queue_id, reason }) => `  skipped on board ${queue_id}: ${reason}`),
  ];
  return toText([
    `bundle of ${report.installation_id ?? 'an unknown installation'}, written ${report.created ?? 'at an unknown time'}`,
    `${report.parts} intact parts: ${report.stored} stored (${records} records, ${report.rejected_records} rejected), ${report.repeated} already held, ${report.refused_count} refused`,
    ...(report.signed ? [] : ['its signatures do not prove that the boat wrote it']),
    ...(report.damaged_count === 0
      ? []
      : [`${report.damaged_count} damaged sections; the boat will send undelivered parts again`]),
    ...faults,
  ]);
}

/** Formats a boat's bundle keys. */
export function toBundleKeyText(keys: BundleKeys): string {
  const { installation_id, bundle_key, offered_bundle_key } = keys;
  return toText([
    `key that signs the bundles of ${installation_id}: ${bundle_key ?? 'not known yet'}`,
    ...(offered_bundle_key === null
      ? []
      : [
          `the boat has since sent another key: ${offered_bundle_key}`,
          'Compare it with the one that `d3kos-export config` shows on the boat before you accept it.',
        ]),
  ]);
}

/**
 * Joins lines for a terminal. It replaces characters that could control the terminal, begin a new line or change the text
 * direction, because the text may come from a boat or a bundle.
 */
export function toText(lines: readonly string[]): string {
  return lines.map(toPlainText).join('\n');
}

/** Formats a boat's tokens as a table. */
export function toTokenTable(tokens: readonly ListedToken[], wallMs: number): string {
  if (tokens.length === 0) return 'no token was issued';
  const now = new Date(wallMs).toISOString();
  const toState = ({ revoked_at, expires_at }: ListedToken): string => {
    if (revoked_at !== null) return `revoked ${revoked_at}`;
    if (expires_at === null) return 'valid';
    return expires_at <= now ? `expired ${expires_at}` : `valid until ${expires_at}`;
  };
  return toText([
    `${'token'.padEnd(12)}  ${'issued'.padEnd(24)}  ${'last used'.padEnd(24)}  state`,
    ...tokens.map((token) =>
      [
        token.token_id,
        token.issued_at.padEnd(24),
        (token.last_used_at ?? 'never').padEnd(24),
        toState(token),
      ].join('  '),
    ),
  ]);
}

/** Formats the audit events as a table. */
export function toEventTable(events: readonly ListedEvent[]): string {
  if (events.length === 0) return 'no event is recorded';
  return toText(
    events.map(({ last_at, installation_id, event, subject, actor, detail, occurrences }) =>
      [
        last_at,
        installation_id.padEnd(16),
        `${event}${occurrences === 1 ? '' : ` ×${occurrences}`}`.padEnd(22),
        subject.padEnd(12),
        actor,
        detail,
      ]
        .join('  ')
        .trimEnd(),
    ),
  );
}

function toListState(boat: InstallationSummary): string {
  if (boat.disabled) return 'disabled';
  return boat.concurrent_ledgers > 0 ? `${boat.concurrent_ledgers} machines` : `${boat.live_tokens} tokens`;
}

/** Returns a warning if two machines use one installation ID, otherwise nothing. */
export function toWarnings({ installation_id, concurrent_ledgers }: InstallationSummary): readonly string[] {
  if (concurrent_ledgers === 0) return [];
  return [
    `WARNING: ${concurrent_ledgers} ledgers of ${installation_id} send exports concurrently: a card was copied to another machine.`,
    'Give that machine its own installation ID and enrol it. Until then, each machine overwrites the settings of the other.',
  ];
}

/** Describes a ledger in one line. */
export function toLedgerLine(ledger: LedgerSummary): string {
  const marks = [
    ledger.diverged_at === null ? [] : [`restored or copied, refused ${ledger.diverged_at}`],
    ledger.concurrent_at === null ? [] : [`concurrent with a newer ledger ${ledger.concurrent_at}`],
  ].flat();
  const sequence = `sequence ${ledger.highest_sequence ?? '-'}`;
  return `  ${ledger.ledger_id}  ${sequence.padEnd(14)}  ${[ledger.last_received_at, ...marks].join('  ')}`;
}

/** Formats a boat's usage today and its individual limits. */
export function toQuotaTable(used: Use, own: QuotaOverride): string {
  const rows = [
    [
      'stored MiB',
      used.storedBytes / 1_048_576,
      own.storedBytes === null ? null : own.storedBytes / 1_048_576,
    ],
    ['records', used.records, own.records],
    ['requests', used.requests, own.requests],
    ['CPU seconds', used.cpuMs / 1_000, own.cpuMs === null ? null : own.cpuMs / 1_000],
  ] as const;
  return toText([
    `${'amount'.padEnd(12)}  ${'used today'.padStart(12)}  own limit`,
    ...rows.map(([name, value, limit]) =>
      [
        name.padEnd(12),
        String(Math.round(value)).padStart(12),
        limit === null ? 'default' : String(limit),
      ].join('  '),
    ),
  ]);
}

/** The report of `export`. */
export function toExportTable({ files, format }: ExportReport): string {
  const rows = files.map(
    ({ name, rows: count, bytes }) =>
      `${name.padEnd(34)} ${String(count).padStart(10)} ${String(bytes).padStart(14)}`,
  );
  return toText([
    `${'FILE'.padEnd(34)} ${'ROWS'.padStart(10)} ${'BYTES'.padStart(14)}`,
    ...rows,
    `written as ${format}, with manifest.json`,
  ]);
}
