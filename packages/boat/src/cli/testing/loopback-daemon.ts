import { type Listening, listen } from '../../platform/listen.ts';

const TIME = '2026-02-20T12:00:00Z';
const DATA_BUDGET = { state: 'affordable', detail: '', month_bytes: 0, month_bytes_max: null };

/** State that determines a `LoopbackDaemon`'s next answers. A test changes it during its scenario. */
export interface DaemonStory {
  tier: number | null;
  canExport: boolean;
  pendingCount: number;
  failedCount: number;
  destination: { state: string; explanation?: string };
  /** The answer to `POST /export/generate`. */
  generate: () => { readonly status: number; readonly body: object };
  /** If present, it answers every request in place of the export manager, simulating another service. */
  otherService?: () => Response;
}

/** A loopback server that stands in for the export manager in a scenario. */
export interface LoopbackDaemon {
  readonly port: number;
  readonly story: DaemonStory;
  /** `METHOD /path BODY` for every request except health and status requests. */
  readonly requests: readonly string[];
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Finds a free loopback port. Nothing listens on it before `start`. */
export async function createLoopbackDaemon(story: Partial<DaemonStory> = {}): Promise<LoopbackDaemon> {
  const reserved = await listen(() => new Response(), '127.0.0.1', 0);
  const { port } = reserved;
  await reserved.close();
  const requests: string[] = [];
  const whole: DaemonStory = {
    tier: 2,
    canExport: true,
    pendingCount: 0,
    failedCount: 0,
    destination: { state: 'unknown' },
    generate: () => ({ status: 200, body: { success: true, queued: false, message: 'Nothing new' } }),
    ...story,
  };
  let server: Listening | undefined;
  return {
    port,
    story: whole,
    requests,
    async start() {
      server = await listen((request) => answer(request, whole, requests), '127.0.0.1', port);
    },
    async stop() {
      await server?.close();
      server = undefined;
    },
  };
}

async function answer(request: Request, story: DaemonStory, requests: string[]): Promise<Response> {
  if (story.otherService !== undefined) return story.otherService();
  const { pathname, search } = new URL(request.url);
  const body = await request.text();
  const line = `${request.method} ${pathname}${search}${body === '' ? '' : ` ${body}`}`;
  if (line === 'GET /health')
    return Response.json({ service: 'd3kos-export-manager', status: 'ok', version: '0.1.0', time: TIME });
  if (line === 'GET /export/status') return Response.json(toStatus(story));
  requests.push(line);
  if (line === 'POST /export/queue/process')
    return Response.json({ success: true, pending_count: story.pendingCount, message: 'Processing' });
  if (request.method === 'POST' && pathname === '/export/generate') {
    const generated = story.generate();
    return Response.json({ message: 'Scripted message', ...generated.body }, { status: generated.status });
  }
  return Response.json(
    { success: false, error: `There is no route ${line}`, code: 'NOT_FOUND', hint: 'Check the path.' },
    { status: 404 },
  );
}

function toStatus(story: DaemonStory): Readonly<Record<string, unknown>> {
  return {
    success: true,
    service: 'd3kos-export-manager',
    port: 8094,
    tier: story.tier,
    can_export: story.canExport,
    error: story.canExport ? null : 'The licence refuses exports',
    installation_id: null,
    queue: {
      pending_count: story.pendingCount,
      uploading_count: 0,
      completed_count: 0,
      failed_count: story.failedCount,
      waiting_bytes: 0,
    },
    destination: { since: TIME, detail: '', explanation: '', cause: null, ...story.destination },
    thrift: DATA_BUDGET,
    data_budget: DATA_BUDGET,
    last_export: null,
    last_delivery: null,
    schedule: { daily_hour: 3, timezone: 'UTC', owed_slot: null },
    lacking: null,
    ledger: { ledger_id: '0'.repeat(16), change: null },
    delivered: { export_count: 0, record_count: 0 },
    lost_by_central: { queued_again: 0, rewound: 0, last_reported: null },
    storage: { free_bytes: 0, total_bytes: 0, exports_bytes: 0, reserve_bytes: 0 },
    categories: {},
    time: TIME,
    a_key_of_a_later_version: true,
  };
}
