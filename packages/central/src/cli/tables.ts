import type { BundleReport } from '../bundle/import-bundle.ts';
import type { InstallationSummary } from '../fleet/installations.ts';
import type { ListedEvent } from '../installations/audit.ts';
import type { ListedToken } from '../installations/tokens.ts';

/** Returns the list of installations. */
export function toTable(installations: readonly InstallationSummary[]): string {
  if (installations.length === 0) return 'no installation is enrolled yet';
  const rows = installations.map((boat) =>
    [
      boat.installation_id,
      String(boat.tier ?? '-').padEnd(4),
      (boat.disabled ? 'disabled' : `${boat.live_tokens} tokens`).padEnd(10),
      (boat.last_heard_at ?? 'never').padEnd(24),
      String(boat.records).padStart(10),
    ].join('  '),
  );
  return [
    `${'installation'.padEnd(16)}  tier  ${'state'.padEnd(10)}  ${'last heard'.padEnd(24)}  ${'records'.padStart(10)}`,
    ...rows,
  ].join('\n');
}

/** Returns the result of importing a bundle. */
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
    ...(report.damaged_count === 0
      ? []
      : [`${report.damaged_count} damaged places; the boat sends undelivered parts again`]),
    ...faults,
  ]);
}

/**
 * Joins lines for a terminal. Control characters from a boat or a bundle are replaced, so they can neither control the terminal
 * nor begin a line.
 */
export function toText(lines: readonly string[]): string {
  return lines.map((line) => line.replace(/\p{Cc}+/gu, '\ufffd')).join('\n');
}

/** Returns the list of a boat's tokens. */
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

/** Returns the list of events. */
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
