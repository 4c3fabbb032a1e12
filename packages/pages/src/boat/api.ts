import type { Answer, Input, JsonRouteName, ROUTES } from '@d3kos/boat/api';
import type { Language } from '../i18n/languages.ts';

/** The paths of the routes that the page uses, which the compiler checks against the contract. */
const PATHS = {
  status: '/export/status',
  generate: '/export/generate',
  preview: '/export/preview',
  queue: '/export/queue',
  process: '/export/queue/process',
  cleanup: '/export/queue/cleanup',
  retry: '/export/queue/{id}/retry',
  cancel: '/export/queue/{id}',
  history: '/export/history',
  historyDays: '/export/history/days',
  notifications: '/export/notifications',
  files: '/export/files',
  settings: '/export/settings',
  changeSettings: '/export/settings',
  enroll: '/export/enroll',
} as const satisfies { readonly [N in JsonRouteName]?: (typeof ROUTES)[N]['path'] };

/** The methods of these routes. A route that is not listed uses GET. */
const METHODS = {
  generate: 'POST',
  process: 'POST',
  cleanup: 'POST',
  retry: 'POST',
  cancel: 'DELETE',
  changeSettings: 'POST',
  enroll: 'POST',
} as const satisfies { readonly [N in JsonRouteName]?: (typeof ROUTES)[N]['method'] };

export const EVENTS_PATH = '/export/events' satisfies (typeof ROUTES)['events']['path'];
const TEXTS_PATH = '/page/texts/{language}' satisfies (typeof ROUTES)['pageTexts']['path'];
export const CSV_PATH = '/export/boatlog/csv' satisfies (typeof ROUTES)['boatlogCsv']['path'];
export const BUNDLE_PATH = '/export/bundle' satisfies (typeof ROUTES)['bundle']['path'];

export type UsedRoute = keyof typeof PATHS;
export type ManagerEvent = Answer<'events'>;
export type EventKind = ManagerEvent['kind'];

/** The kinds of events that the page listens for. */
export const EVENT_KINDS = {
  heartbeat: true,
  queue: true,
  collecting: true,
  unread: true,
  collected: true,
  uploading: true,
  delivered: true,
  destination: true,
} as const satisfies Readonly<Record<EventKind, true>>;

/** Why a request failed. `UNREACHABLE` means that no answer arrived, so the request may still have taken effect. */
export interface Refusal {
  readonly code: string;
  readonly error: string;
  readonly hint: string;
}

export type Reply<T> =
  { readonly kind: 'answer'; readonly value: T } | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Timeout of a request. An export of a million rows takes minutes on a slow card. */
const ANSWER_MAX_MS = 15 * 60_000;

/** Returns the path of the texts for a language. */
export function toTextsPath(language: Language): string {
  return TEXTS_PATH.replace('{language}', language);
}

/** Returns the path of an export file. */
export function toFilePath(name: string): string {
  return `/export/files/${encodeURIComponent(name)}`;
}

/** Calls a route of the export manager. Never rejects. */
export async function call<N extends UsedRoute>(
  name: N,
  input: Partial<Input<N>> = {},
): Promise<Reply<Answer<N>>> {
  const {
    params = {},
    query = {},
    body,
  } = input as {
    readonly params?: Readonly<Record<string, string>>;
    readonly query?: Readonly<Record<string, string | number>>;
    readonly body?: unknown;
  };
  const path = PATHS[name].replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    encodeURIComponent(params[key] ?? ''),
  );
  const search = new URLSearchParams(
    Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
  ).toString();
  const method = name in METHODS ? METHODS[name as keyof typeof METHODS] : 'GET';
  try {
    const response = await fetch(search === '' ? path : `${path}?${search}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { 'Content-Type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
    });
    const value: unknown = await response.json();
    // The answer comes from the server that served this page, so it follows the contract of the same version.
    if (response.ok) return { kind: 'answer', value: value as Answer<N> };
    return { kind: 'refused', refusal: toRefusal(value) };
  } catch (error) {
    return {
      kind: 'refused',
      refusal: { code: 'UNREACHABLE', error: error instanceof Error ? error.message : '', hint: '' },
    };
  }
}

/** Reads the answer to a refused request. */
export function toRefusal(value: unknown): Refusal {
  const read = (key: string): string => {
    const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
    return typeof text === 'string' ? text : '';
  };
  return { code: read('code') || 'INTERNAL', error: read('error'), hint: read('hint') };
}
