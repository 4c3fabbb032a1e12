import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Answer } from '@d3kos/boat/api';
import { toContentSecurityPolicy } from '../../../../boat/src/http/page.ts';
import { LANGUAGES } from '../../i18n/languages.ts';
import type { ManagerEvent } from '../api.ts';
import { NOW, type Scenario, SCENARIOS } from './scenarios.ts';

/** The page's files, as `npm run setup` builds them. */
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

/** Two log records as they leave the boat. */
const LOG_ENTRIES = [1_800, 1_750].map((rpm) => ({
  timestamp: NOW,
  entry_type: 'auto',
  latitude: 37.9412,
  longitude: 23.6371,
  speed_over_ground: 6.2,
  rpm,
  coolant_temp_c: 78.5,
  oil_pressure_kpa: 412,
  note: 'Wind from the north, force 4. Genoa reefed once.',
}));
const LOG_STATES = { ok: 'ok', none: 'ok', missing: 'source_missing' } as const;
/** A category of the preview and of every export file: its name, its number of records, and one of them. */
const CONTENTS: readonly (readonly [string, keyof typeof LOG_STATES, number, readonly object[]])[] = [
  ['engine_benchmark', 'none', 0, []],
  ['boatlog', 'ok', 194, LOG_ENTRIES],
  ['marine_vision_captures', 'ok', 21, [{ captured_at: NOW, species: 'dolphin', confidence: 0.87 }]],
  ['marine_vision_snapshots', 'ok', 7, [{ file: 'snapshot_0412.jpg', size_bytes: 412_880 }]],
  ['qr_codes', 'missing', 0, []],
  ['settings', 'ok', 1, [{ vessel_name: 'Meltemi', units: 'metric', wifi_password: '' }]],
  ['system_alerts', 'ok', 9, [{ raised_at: NOW, alert: 'bilge_high', cleared_at: NOW }]],
  ['onboarding', 'ok', 1, [{ boat: { name: 'Meltemi', length_m: 11.2 } }]],
  ['telemetry', 'none', 0, []],
];
/** The contents of every export file. */
const EXPORT_FILE = {
  data: Object.fromEntries(
    CONTENTS.map(([category, state, , entries]) => [category, { state: LOG_STATES[state], entries }]),
  ),
};
const PREVIEW = {
  success: true,
  categories: Object.fromEntries(
    CONTENTS.map(([category, state, count, samples]) => [
      category,
      {
        state: LOG_STATES[state],
        count,
        size_bytes: count * 211,
        samples,
        ...(category === 'settings' ? { redacted: [{ field: 'wifi_password' }] } : {}),
      },
    ]),
  ),
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

/** Returns the scenario's deliveries for each day in UTC. */
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

/** Returns the newest rows of the scenario's history, like the export manager. */
function toNewest({ history }: Scenario, limit: number): Answer<'history'> {
  return { ...history, exports: history.exports.slice(0, limit) };
}

/** A server that answers like an export manager in one scenario. */
export interface StubBoat {
  readonly url: string;
  /** Sets the scenario for pages that load from now on, and resumes answering after a silence. */
  show(scenario: Scenario): void;
  /** Ends every event stream and refuses new ones, as if the export manager had exited. */
  fallSilent(): void;
  /** Sends an event to every connected page. */
  send(event: ManagerEvent): void;
  close(): Promise<void>;
}

/**
 * Serves the page with its real content security policy, and answers as in a scenario. It changes nothing: every request for an
 * action is refused.
 */
export async function startStubBoat(): Promise<StubBoat> {
  let scenario: Scenario = SCENARIOS.safe;
  let isSilent = false;
  const streams = new Set<ServerResponse>();
  const write = (stream: ServerResponse, event: ManagerEvent): void =>
    void stream.write(`event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
  const server = createServer((request, response) => {
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const file = FILES[path];
    if (file !== undefined) return void sendFile(response, file);
    if (path === '/export/events' && isSilent) return void response.destroy();
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
      '/export/history': toNewest(scenario, Number(searchParams.get('limit'))),
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
      isSilent = false;
    },
    fallSilent: () => {
      isSilent = true;
      for (const stream of streams) stream.destroy();
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
