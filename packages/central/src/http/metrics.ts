import { REFUSALS } from '../api/refusals.ts';
import type { FleetTotals } from '../fleet/installations.ts';
import type { Reply } from './reply.ts';

/** Counts of one node since it started. */
export interface NodeCounters {
  /** Answers to imports, by code: STORED, REPEATED, or the error code. */
  readonly importAnswers: Map<string, number>;
  wireBytes: number;
  decodedBytes: number;
}

/** Returns counters at zero. */
export function createCounters(): NodeCounters {
  return { importAnswers: new Map(), wireBytes: 0, decodedBytes: 0 };
}

/** Counts the answer to one import. */
export function countImportReply({ importAnswers }: NodeCounters, reply: Reply<'importPart'>): void {
  const code = toCode(reply);
  importAnswers.set(code, (importAnswers.get(code) ?? 0) + 1);
}

function toCode(reply: Reply<'importPart'>): string {
  if (reply.kind === 'refused') return REFUSALS[reply.refusal].code;
  return reply.body.duplicate ? 'REPEATED' : 'STORED';
}

/** Returns the metrics in Prometheus's text format 0.0.4. They name no installation, because `/metrics` needs no credentials. */
export function toExposition(
  counters: NodeCounters,
  node: { readonly importsInProgress: number; readonly refusedCredentials: number },
  fleet: FleetTotals,
): string {
  const lines = [
    ...metric('d3kos_central_import_answers_total', 'counter', 'Answers of this node to imports, by code.'),
    ...[...counters.importAnswers].map(
      ([code, count]) => `d3kos_central_import_answers_total{code="${code}"} ${count}`,
    ),
    ...metric('d3kos_central_imports_under_way', 'gauge', 'Imports in progress on this node.'),
    `d3kos_central_imports_under_way ${node.importsInProgress}`,
    ...metric('d3kos_central_refused_credentials_total', 'counter', 'Credentials that this node refused.'),
    `d3kos_central_refused_credentials_total ${node.refusedCredentials}`,
    ...metric('d3kos_central_wire_bytes_total', 'counter', 'Bytes of import bodies this node received.'),
    `d3kos_central_wire_bytes_total ${counters.wireBytes}`,
    ...metric('d3kos_central_decoded_bytes_total', 'counter', 'Bytes of the same bodies after decoding.'),
    `d3kos_central_decoded_bytes_total ${counters.decodedBytes}`,
    ...metric('d3kos_central_installations', 'gauge', 'Installations enrolled in the database.'),
    `d3kos_central_installations ${fleet.installations}`,
    ...metric('d3kos_central_documents_stored', 'gauge', 'Documents and parts stored in the database.'),
    `d3kos_central_documents_stored ${fleet.documents}`,
    ...metric(
      'd3kos_central_records_received',
      'gauge',
      'Records in the stored documents, including repeated ones.',
    ),
    `d3kos_central_records_received ${fleet.records}`,
    ...metric('d3kos_central_records_rejected', 'gauge', 'Records that were rejected individually.'),
    `d3kos_central_records_rejected ${fleet.rejected}`,
    ...metric(
      'd3kos_central_installations_concurrent',
      'gauge',
      'Installations whose ID two or more machines use.',
    ),
    `d3kos_central_installations_concurrent ${fleet.concurrent}`,
    ...metric(
      'd3kos_central_ledgers_diverged',
      'gauge',
      'Ledgers that continued from a restored or copied card, so that an export was refused.',
    ),
    `d3kos_central_ledgers_diverged ${fleet.diverged}`,
  ];
  return `${lines.join('\n')}\n`;
}

function metric(name: string, type: 'counter' | 'gauge', help: string): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}
