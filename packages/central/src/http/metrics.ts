import type { FleetTotals } from '../fleet/fleet.ts';

/** What one node counted since it started. */
export interface NodeCounters {
  /** Answers to import requests, by their code: STORED, REPEATED, or the error code. */
  readonly importAnswers: Map<string, number>;
  wireBytes: number;
  decodedBytes: number;
}

/** Counters at zero. */
export function createCounters(): NodeCounters {
  return { importAnswers: new Map(), wireBytes: 0, decodedBytes: 0 };
}

/** Counts one answer to an import. */
export function countAnswer(counters: NodeCounters, code: string): void {
  counters.importAnswers.set(code, (counters.importAnswers.get(code) ?? 0) + 1);
}

/** The Prometheus text exposition (version 0.0.4). Names no installation: it needs no login. */
export function toExposition(counters: NodeCounters, underWay: number, fleet: FleetTotals): string {
  const lines = [
    ...metric('d3kos_central_import_answers_total', 'counter', 'Answers to imports by this node, by code.'),
    ...[...counters.importAnswers].map(
      ([code, count]) => `d3kos_central_import_answers_total{code="${code}"} ${count}`,
    ),
    ...metric('d3kos_central_imports_under_way', 'gauge', 'Imports this node is working on.'),
    `d3kos_central_imports_under_way ${underWay}`,
    ...metric('d3kos_central_wire_bytes_total', 'counter', 'Bytes of imports received by this node.'),
    `d3kos_central_wire_bytes_total ${counters.wireBytes}`,
    ...metric('d3kos_central_decoded_bytes_total', 'counter', 'The same after decoding.'),
    `d3kos_central_decoded_bytes_total ${counters.decodedBytes}`,
    ...metric('d3kos_central_installations', 'gauge', 'Installations enrolled in the database.'),
    `d3kos_central_installations ${fleet.installations}`,
    ...metric('d3kos_central_documents_stored', 'gauge', 'Documents and parts stored in the database.'),
    `d3kos_central_documents_stored ${fleet.documents}`,
    ...metric('d3kos_central_records_received', 'gauge', 'Records in them, repeated ones included.'),
    `d3kos_central_records_received ${fleet.records}`,
    ...metric('d3kos_central_records_rejected', 'gauge', 'Records rejected one by one.'),
    `d3kos_central_records_rejected ${fleet.rejected}`,
  ];
  return `${lines.join('\n')}\n`;
}

function metric(name: string, type: 'counter' | 'gauge', help: string): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}
