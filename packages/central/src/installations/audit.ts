import type { Queryable } from '../platform/ports.ts';
import { numberOf, textOf, utcText } from '../store/row.ts';

/** What the audit trail records. */
export type AuditEventName =
  | 'enrolled'
  | 'token_revoked'
  | 'tokens_revoked'
  | 'installation_disabled'
  | 'installation_enabled'
  /** Everything about an installation was removed. The event does not name it. */
  | 'installation_erased'
  | 'code_issued'
  | 'code_redeemed'
  | 'quota_changed'
  /** The first key of a boat that signs its bundles. */
  | 'bundle_key_kept'
  /** Another key, which the operator may accept. */
  | 'bundle_key_offered'
  | 'bundle_key_accepted'
  /** A bundle whose signatures do not prove its origin, imported because the operator asked for it. */
  | 'unsigned_bundle_imported'
  /** A credential that may not be used: revoked, expired, of a disabled or another installation, or over its quota. */
  | 'refused'
  /** An address that presented too many unknown credentials. */
  | 'address_limited';

/** One event. It never contains a token. */
export interface AuditEvent {
  /** Empty if the event belongs to no installation. */
  readonly installationId: string;
  readonly event: AuditEventName;
  /** What the event is about: the id of a token, an error code, or an address. */
  readonly subject: string;
  /** Who caused it: `command line`, or the address of a request. */
  readonly actor: string;
  readonly detail: string;
}

/** Most events in one list: as many as a terminal can show. */
const EVENTS_LISTED_MAX = 1_000;

/** Length of the time within which equal refusals are one event: a boat may repeat a refused request for years. */
const REFUSALS_PERIOD_MS = 3_600_000;

/** Records an event in the transaction of the change. */
export async function recordEvent(tx: Queryable, event: AuditEvent, wallMs: number): Promise<void> {
  await insertEvent(tx, event, new Date(wallMs), new Date(wallMs), 1);
}

/** Records `count` refusals. Equal refusals within an hour are one event, which counts them. */
export async function recordRefusals(
  store: Queryable,
  event: AuditEvent,
  count: number,
  wallMs: number,
): Promise<void> {
  const period = new Date(wallMs - (wallMs % REFUSALS_PERIOD_MS));
  await insertEvent(store, event, period, new Date(wallMs), count);
}

async function insertEvent(
  store: Queryable,
  { installationId, event, subject, actor, detail }: AuditEvent,
  at: Date,
  lastAt: Date,
  count: number,
): Promise<void> {
  await store.query(
    `insert into audit_events as held
       (installation_id, occurred_at, event, subject, actor, detail, occurrences, last_at)
     values ($1::text, $2::timestamptz, $3::text, $4::text, $5::text, $6::text, $7::integer, $8::timestamptz)
     on conflict (installation_id, occurred_at, event, subject) do update set
       occurrences = held.occurrences + excluded.occurrences, last_at = excluded.last_at,
       actor = excluded.actor, detail = excluded.detail`,
    [installationId, at.toISOString(), event, subject, actor, detail, count, lastAt.toISOString()],
  );
}

/** An event as the command prints it. */
export interface ListedEvent {
  readonly installation_id: string;
  readonly occurred_at: string;
  readonly last_at: string;
  readonly event: string;
  readonly subject: string;
  readonly actor: string;
  readonly detail: string;
  readonly occurrences: number;
}

/** Returns the newest events of one installation, or of all, newest first. */
export async function listEvents(
  store: Queryable,
  installationId: string | undefined,
): Promise<readonly ListedEvent[]> {
  const rows = await store.query(
    `select installation_id, ${utcText('occurred_at')} as occurred_at_text, ${utcText('last_at')} as last_at_text,
       event, subject, actor, detail, occurrences
     from audit_events where $1::text is null or installation_id = $1::text
     order by occurred_at desc, last_at desc limit ${EVENTS_LISTED_MAX}`,
    [installationId ?? null],
  );
  return rows.map((row) => ({
    installation_id: textOf(row, 'installation_id'),
    occurred_at: textOf(row, 'occurred_at_text'),
    last_at: textOf(row, 'last_at_text'),
    event: textOf(row, 'event'),
    subject: textOf(row, 'subject'),
    actor: textOf(row, 'actor'),
    detail: textOf(row, 'detail'),
    occurrences: numberOf(row, 'occurrences'),
  }));
}
