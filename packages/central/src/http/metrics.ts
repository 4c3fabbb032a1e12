import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { REFUSALS } from '../api/refusals.ts';
import type { FleetTotals } from '../fleet/totals.ts';
import { IMPORT_STAGES, type ImportStage } from '../import/import-stage.ts';
import type { QuotaAmount } from '../import/quota-policy.ts';
import type { ConnectionUse } from '../platform/pg-store.ts';
import type { DatabaseState } from './database-watch.ts';
import type { Reply } from './reply.ts';

/**
 * Upper bounds of the duration buckets, in seconds: a lookup takes 5 ms, the limit of one statement is 25 s,
 * and a boat drops a connection after 30 s of silence.
 */
const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The facts that a scrape reads from the node and the database. */
export interface ScrapeFacts {
  readonly importsInProgress: number;
  /** Imports waiting for a permit, by lane. */
  readonly importsWaiting: { readonly light: number; readonly heavy: number };
  readonly heldBytes: number;
  readonly refusedCredentials: number;
  /** Undefined if the store has no pool. */
  readonly connections: ConnectionUse | undefined;
  readonly database: DatabaseState;
  /** Undefined while the database does not answer. */
  readonly fleet: FleetTotals | undefined;
}

/**
 * A node's metrics. No metric identifies an installation, because `/metrics` needs no credentials, and because each label value
 * costs memory in every Prometheus server that scrapes it.
 */
export interface NodeMetrics {
  readonly registry: Registry;
  /** Counts the answer to one import. */
  countImportReply(reply: Reply<'importPart'>): void;
  /** Counts an import body that was completely received and checked. */
  countBody(size: { readonly wireSizeBytes: number; readonly decodedSizeBytes: number }): void;
  countQuotaRefusal(amount: QuotaAmount): void;
  /** `route` is the ID of a route in the contract, or `unmatched`. */
  observeRequest(route: string, status: number, durationMs: number): void;
  observeStage(stage: ImportStage, durationMs: number): void;
  /** Returns every metric in Prometheus's text format 0.0.4. */
  toExposition(facts: ScrapeFacts): Promise<string>;
}

/** Creates a node's metrics, with every counter at zero. */
export function createNodeMetrics(): NodeMetrics {
  const registry = new Registry();
  const counts = createCounts(registry);
  const gauges = createGauges(registry);
  const fleet = createFleetGauges(registry);
  return {
    registry,
    countImportReply: (reply) => counts.importAnswers.inc({ code: toCode(reply) }),
    countBody({ wireSizeBytes, decodedSizeBytes }) {
      counts.wireBytes.inc(wireSizeBytes);
      counts.decodedBytes.inc(decodedSizeBytes);
    },
    countQuotaRefusal: (amount) => counts.quotaRefusals.inc({ amount: QUOTA_LABELS[amount] }),
    observeRequest: (route, status, durationMs) =>
      counts.requests.observe({ route, status: String(status) }, durationMs / 1_000),
    observeStage: (stage, durationMs) => counts.stages.observe({ stage }, durationMs / 1_000),
    async toExposition(facts) {
      gauges.set(facts);
      fleet.set(facts.fleet);
      return registry.metrics();
    },
  };
}

const QUOTA_LABELS: Readonly<Record<QuotaAmount, string>> = {
  storedBytes: 'stored_bytes',
  records: 'records',
  requests: 'requests',
  cpuMs: 'processor_time',
};

function toCode(reply: Reply<'importPart'>): string {
  if (reply.kind === 'refused') return REFUSALS[reply.refusal].code;
  return reply.body.duplicate ? 'REPEATED' : 'STORED';
}

/** The metrics that a node updates as it works. */
function createCounts(registry: Registry) {
  const registers = [registry];
  const quotaRefusals = new Counter({
    name: 'd3kos_central_quota_refusals_total',
    help: 'Imports that this node refused because of a daily quota, by the quota that was exceeded.',
    labelNames: ['amount'],
    registers,
  });
  const stages = new Histogram({
    name: 'd3kos_central_import_stage_duration_seconds',
    help: 'Duration of the stages of an import.',
    labelNames: ['stage'],
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  // An alert on a counter that does not exist yet misses its first increment.
  for (const amount of Object.values(QUOTA_LABELS)) quotaRefusals.inc({ amount }, 0);
  for (const stage of IMPORT_STAGES) stages.zero({ stage });
  return {
    quotaRefusals,
    stages,
    importAnswers: new Counter({
      name: 'd3kos_central_import_answers_total',
      help: "This node's answers to imports, by code.",
      labelNames: ['code'],
      registers,
    }),
    wireBytes: new Counter({
      name: 'd3kos_central_wire_bytes_total',
      help: 'Bytes of import bodies that this node received.',
      registers,
    }),
    decodedBytes: new Counter({
      name: 'd3kos_central_decoded_bytes_total',
      help: 'Bytes of the same bodies after decoding.',
      registers,
    }),
    requests: new Histogram({
      name: 'd3kos_central_http_request_duration_seconds',
      help: 'Duration of requests until the answer begins, by route and status. An upload lasts as long as its link needs.',
      labelNames: ['route', 'status'],
      buckets: DURATION_BUCKETS_S,
      registers,
    }),
  };
}

/** The state of a node at the time of the scrape. */
function createGauges(registry: Registry) {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name: `d3kos_central_${name}`, help, registers });
  const inProgress = gauge('imports_under_way', 'Imports in progress on this node.');
  const heldBytes = gauge('held_bytes', "Bytes of request bodies in this node's memory.");
  const databaseUp = gauge(
    'database_up',
    '1 if the database answers, accepts writes and has the right schema.',
  );
  const databaseAnswer = gauge(
    'database_answer_seconds',
    'Time until the database answered the last check, including the wait for a connection.',
  );
  const waiting = new Gauge({
    name: 'd3kos_central_imports_waiting',
    help: 'Backlog: received imports waiting for a permit on this node, by lane.',
    labelNames: ['lane'],
    registers,
  });
  const connections = new Gauge({
    name: 'd3kos_central_database_connections',
    help: "This node's database connections by state. `waiting` counts requests that wait for a connection.",
    labelNames: ['state'],
    registers,
  });
  const refusedCredentials = new Counter({
    name: 'd3kos_central_refused_credentials_total',
    help: 'Credentials that this node refused.',
    registers,
  });
  return {
    set(facts: ScrapeFacts): void {
      inProgress.set(facts.importsInProgress);
      heldBytes.set(facts.heldBytes);
      for (const lane of ['light', 'heavy'] as const) waiting.set({ lane }, facts.importsWaiting[lane]);
      for (const [state, count] of Object.entries(facts.connections ?? {})) connections.set({ state }, count);
      databaseUp.set(facts.database.fault === undefined ? 1 : 0);
      databaseAnswer.set(facts.database.answerMs / 1_000);
      // The guard keeps the total. The difference since the last scrape is added to this counter.
      refusedCredentials.reset();
      refusedCredentials.inc(facts.refusedCredentials);
    },
  };
}

/** Figures about the whole fleet, which are the same on every node. They are absent while the database does not answer. */
function createFleetGauges(registry: Registry) {
  const help: Readonly<Record<keyof FleetTotals, readonly [string, string]>> = {
    installations: ['installations', 'Installations enrolled in the database.'],
    documents: ['documents_stored', 'Documents and parts stored in the database.'],
    records: ['records_received', 'Records in the stored documents, including repeated ones.'],
    rejected: ['records_rejected', 'Records that were rejected individually.'],
    concurrent: ['installations_concurrent', 'Installations whose ID is used by two or more machines.'],
    diverged: [
      'ledgers_diverged',
      'Ledgers that continued from a restored or copied card, so that an export was refused.',
    ],
  };
  const gauges = Object.entries(help).map(([key, [name, text]]) => ({
    // The keys of `help` are exactly those of FleetTotals.
    key: key as keyof FleetTotals,
    gauge: new Gauge({ name: `d3kos_central_${name}`, help: text, registers: [registry] }),
  }));
  return {
    set(totals: FleetTotals | undefined): void {
      for (const { key, gauge } of gauges)
        if (totals === undefined) gauge.remove();
        else gauge.set(totals[key]);
    },
  };
}
