import type { Queryable, Row } from '../platform/ports.ts';
import { isUtcText, numberOf, textOf, utcText } from '../store/row.ts';

/** The kinds of events in the audit trail. */
export type AuditEventName =
  | 'enrolled'
  | 'token_revoked'
  | 'tokens_revoked'
  | 'installation_disabled'
  | 'installation_enabled'
  /** All of an installation's data was removed. The event does not name the installation. */
  | 'installation_erased'
  | 'code_issued'
  | 'code_redeemed'
  | 'token_rotated'
  | 'account_added'
  | 'account_removed'
  | 'role_changed'
  | 'password_changed'
  | 'logged_in'
  | 'logged_out'
  /** A login with a wrong name or password. */
  | 'login_refused'
  /** A login that exceeded the limit for an account or an address. */
  | 'login_limited'
  | 'quota_changed'
  /** The first bundle key that a boat sent. */
  | 'bundle_key_kept'
  /** A different bundle key, which the operator may accept. */
  | 'bundle_key_offered'
  | 'bundle_key_accepted'
  /** A bundle whose signatures do not prove its origin, imported at the operator's request. */
  | 'unsigned_bundle_imported'
  /** An operator downloaded all of an installation's data. */
  | 'data_exported'
  /**
   * A request whose credential is not accepted: it is revoked or expired, belongs to a disabled or a different installation, or
   * its installation is over a quota.
   */
  | 'refused'
  /** An address that presented too many unknown credentials. */
  | 'address_limited';

/** One event. The detail never contains a token. */
export interface AuditEvent {
  /** Empty if the event does not belong to an installation. */
  readonly installationId: string;
  readonly event: AuditEventName;
  /** What the event is about: a token ID, an error code or an address. */
  readonly subject: string;
  /** Who caused it: `command line`, `operator token`, an account name, or the address from which a request came. */
  readonly actor: string;
  readonly detail: string;
}

/** The installation ID recorded for an event that belongs to no installation. */
export const NO_INSTALLATION_ID = '';

/** Maximum number of events in one list: as many as a terminal can show. */
const EVENTS_LISTED_MAX = 1_000;

/** Number of events in one page of the API. */
const EVENTS_PER_PAGE = 200;

/** Period within which identical events are recorded as one, because a boat may repeat a refused request for years. */
const REPETITIONS_PERIOD_MS = 3_600_000;

/** Records an event in the same transaction as the change. */
export async function recordEvent(tx: Queryable, event: AuditEvent, wallMs: number): Promise<void> {
  await insertEvent(tx, event, new Date(wallMs), new Date(wallMs), 1);
}

/**
 * Records `count` occurrences of an event that a boat or a client can repeat. Identical events within an hour become one event
 * with a count.
 */
export async function recordRepeatable(
  store: Queryable,
  event: AuditEvent,
  count: number,
  wallMs: number,
): Promise<void> {
  const period = new Date(wallMs - (wallMs % REPETITIONS_PERIOD_MS));
  await insertEvent(store, event, period, new Date(wallMs), count);
}

/** Records `count` refusals as `recordRepeatable` does. The subject is the code that the operator's list shows for the boat. */
export async function recordRefusals(
  store: Queryable,
  event: AuditEvent,
  count: number,
  wallMs: number,
): Promise<void> {
  await recordRepeatable(store, event, count, wallMs);
  if (event.installationId === '') return;
  // The operator's list shows the refusal until the boat's next import clears both columns.
  await store.query(
    'update installations set refused_at = $2::timestamptz, refusal = $3::text where installation_id = $1::text',
    [event.installationId, new Date(wallMs).toISOString(), event.subject],
  );
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

/** Returns the latest events of one or all installations, newest first. */
export async function listEvents(
  store: Queryable,
  installationId: string | undefined,
): Promise<readonly ListedEvent[]> {
  const rows = await store.query(
    `${SELECT_EVENTS} where $1::text is null or installation_id = $1::text
     order by occurred_at desc, last_at desc limit ${EVENTS_LISTED_MAX}`,
    [installationId ?? null],
  );
  return rows.map(toListedEvent);
}

/** One page of events. `next` is where the next page begins, or null at the end. */
export interface EventPage {
  readonly events: readonly ListedEvent[];
  readonly next: string | null;
}

/**
 * Returns a page of events, newest first. `before` is the `next` of an earlier page. An unknown value returns the first page.
 */
export async function listEventPage(
  store: Queryable,
  installationId: string | undefined,
  before: string | undefined,
): Promise<EventPage> {
  const place = before === undefined ? undefined : parsePlace(before);
  const rows = await store.query(
    `${SELECT_EVENTS} where ($1::text is null or installation_id = $1::text)
       and ($2::text is null or (occurred_at, installation_id, event, subject)
         < ($2::timestamptz, $3::text, $4::text, $5::text))
     order by occurred_at desc, installation_id desc, event desc, subject desc limit ${EVENTS_PER_PAGE + 1}`,
    [installationId ?? null, ...(place ?? [null, null, null, null])],
  );
  const events = rows.slice(0, EVENTS_PER_PAGE).map(toListedEvent);
  const last = events.at(-1);
  return { events, next: rows.length > EVENTS_PER_PAGE && last !== undefined ? toPlace(last) : null };
}

const SELECT_EVENTS = `select installation_id, ${utcText('occurred_at')} as occurred_at_text,
  ${utcText('last_at')} as last_at_text, event, subject, actor, detail, occurrences from audit_events`;

function toPlace({ occurred_at, installation_id, event, subject }: ListedEvent): string {
  return Buffer.from(JSON.stringify([occurred_at, installation_id, event, subject])).toString('base64url');
}

function parsePlace(text: string): readonly string[] | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    const isPlace =
      Array.isArray(place) && place.length === 4 && place.every((part) => typeof part === 'string');
    // Every element has been checked to be a string.
    return isPlace && isOwnPlace(place as string[]) ? (place as string[]) : undefined;
  } catch {
    return undefined;
  }
}

/** True for text that PostgreSQL accepts. */
function isOwnPlace([at, ...texts]: readonly string[]): boolean {
  return isUtcText(at) && texts.every((text) => !text.includes('\0'));
}

function toListedEvent(row: Row): ListedEvent {
  return {
    installation_id: textOf(row, 'installation_id'),
    occurred_at: textOf(row, 'occurred_at_text'),
    last_at: textOf(row, 'last_at_text'),
    event: textOf(row, 'event'),
    subject: textOf(row, 'subject'),
    actor: textOf(row, 'actor'),
    detail: textOf(row, 'detail'),
    occurrences: numberOf(row, 'occurrences'),
  };
}
