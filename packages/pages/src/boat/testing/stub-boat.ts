import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Answer } from '@d3kos/boat/api';
import { toContentSecurityPolicy } from '../../../../boat/src/http/page.ts';
import { LANGUAGES } from '../../i18n/languages.ts';
import type { ManagerEvent } from '../api.ts';
import { NOW, type Scenario, SCENARIOS } from './scenarios.ts';

/** The files of the page, as `npm run setup` builds them. */
const PAGE = join(import.meta.dirname, '..', '..', '..', '..', 'boat', 'dist', 'page');
const FILES: Readonly<Record<string, readonly [file: string, mediaType: string]>> = {
  '/': ['index.html', 'text/html'],
  '/page/boat.js': ['boat.js', 'text/javascript'],
  '/page/boat.css': ['boat.css', 'text/css'],
  ...Object.fromEntries(
    Object.keys(LANGUAGES).map((language) => [
      `/page/texts/${language}`,
      [`texts-${language}.json`, 'application/json'] as const,
    ]),
  ),
};

/** The contents of every export file. */
const EXPORT_FILE = {
  data: {
    boatlog: { state: 'ok', entries: [{ timestamp: NOW, entry_type: 'auto', rpm: 1_800 }] },
    settings: { state: 'source_missing', entries: [], detail: 'onboarding.json does not exist' },
  },
};
const PREVIEW = {
  success: true,
  categories: {
    boatlog: { state: 'ok', count: 194, size_bytes: 41_000, samples: [{ timestamp: NOW, rpm: 1_800 }] },
    settings: {
      state: 'ok',
      count: 1,
      size_bytes: 900,
      samples: [{}],
      redacted: [{ field: 'wifi_password' }],
    },
  },
};

const NOTIFICATIONS: Answer<'notifications'> = {
  success: true,
  on: true,
  after_days: 7,
  channels: [
    { channel: 'signalk', target: 'http://127.0.0.1:3000', state: 'ready' },
    { channel: 'webhook', target: null, state: 'off' },
  ],
  raised: [],
};

/** The deliveries of the scenario by the day. It uses the days of UTC. */
function toDays({ status, history }: Scenario): Answer<'historyDays'> {
  const todayMs = Date.parse(`${NOW.slice(0, 10)}T00:00:00Z`);
  const days = Array.from({ length: 30 }, (_, index) => {
    const date = new Date(todayMs - (29 - index) * 86_400_000).toISOString().slice(0, 10);
    const delivered = history.exports.filter(({ completed_at }) => completed_at.startsWith(date));
    const sum = (key: 'record_count' | 'wire_size_bytes'): number =>
      delivered.reduce((total, row) => total + row[key], 0);
    return {
      date,
      export_count: delivered.length,
      record_count: sum('record_count'),
      wire_size_bytes: sum('wire_size_bytes'),
    };
  });
  return { success: true, timezone: status.schedule.timezone, days };
}

/** A server that answers like an export manager in one scenario. */
export interface StubBoat {
  readonly url: string;
  /** Sets the scenario for the pages that load after this. */
  show(scenario: Scenario): void;
  /** Sends an event to every connected page. */
  send(event: ManagerEvent): void;
  close(): Promise<void>;
}

/**
 * Serves the page with its real content security policy, and the answers of a scenario. It changes nothing: every request for an
 * action is refused.
 */
export async function startStubBoat(): Promise<StubBoat> {
  let scenario: Scenario = SCENARIOS.safe;
  const streams = new Set<ServerResponse>();
  const write = (stream: ServerResponse, event: ManagerEvent): void =>
    void stream.write(`event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const file = FILES[path];
    if (file !== undefined) return void sendFile(response, file);
    if (path === '/export/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      streams.add(response);
      response.on('close', () => streams.delete(response));
      for (const event of [{ kind: 'heartbeat', time: NOW } as const, ...scenario.events])
        write(response, event);
      return;
    }
    const answers: Readonly<Record<string, unknown>> = {
      '/export/status': scenario.status,
      '/export/queue': scenario.queue,
      '/export/history': scenario.history,
      '/export/history/days': toDays(scenario),
      '/export/notifications': scenario.notifications ?? NOTIFICATIONS,
      '/export/files': scenario.files,
      '/export/settings': { success: true, usage_telemetry: false, notifications: true },
      '/export/preview': PREVIEW,
    };
    const isFile = path.startsWith('/export/files/');
    const answer = request.method === 'GET' ? (isFile ? EXPORT_FILE : answers[path]) : undefined;
    response.writeHead(answer === undefined ? 503 : 200, { 'Content-Type': 'application/json' });
    response.end(
      JSON.stringify(
        answer ?? {
          success: false,
          code: 'DISK_RESERVE',
          error: 'The memory card is nearly full',
          hint: 'Free some space',
        },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    show: (next) => {
      scenario = next;
    },
    send: (event) => {
      for (const stream of streams) write(stream, event);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function sendFile(
  response: ServerResponse,
  [name, mediaType]: readonly [string, string],
): Promise<void> {
  response.writeHead(200, {
    'Content-Type': `${mediaType}; charset=utf-8`,
    'Content-Security-Policy': toContentSecurityPolicy([]),
  });
  response.end(await readFile(join(PAGE, name)));
}
