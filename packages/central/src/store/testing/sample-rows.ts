import { hash } from 'node:crypto';

/** The boat in the dumps. */
export const SAMPLE_BOAT = { id: '00d0000000000001', token: 'token-of-the-boat-in-the-dumps' } as const;
/** The other installation in the dumps. It is disabled. */
const OTHER_ID = '00d0000000000002';
const LEDGER = 'aaaaaaaaaaaaaaaa';

/** The body of one stored part. The same bytes are repeated after the migration. */
export function toSampleBody(sequence: number): string {
  return JSON.stringify({
    installation_id: SAMPLE_BOAT.id,
    export_timestamp: '2026-05-01T12:00:00Z',
    format_version: '1.0',
    export_id: `export_${sequence}`,
    export_type: 'incremental',
    tier: 2,
    sequence,
    ledger_id: LEDGER,
    data: {
      boatlog: {
        category: 'boatlog',
        entry_count: 1,
        entries: [{ record_id: `r${sequence}`, content: "o'clock" }],
      },
    },
  });
}

function toSampleImport(sequence: number): string {
  const sha256 = hash('sha256', toSampleBody(sequence));
  const receipt = {
    status: 'success',
    import_id: `import_${sequence}`,
    export_id: `export_${sequence}`,
    part: { index: 1, count: 1 },
    sha256,
    records_imported: { boatlog: 1 },
    rejected_records: [],
    duplicate: false,
    timestamp: '2026-05-01T12:00:00.000Z',
  };
  return `
insert into imports (installation_id, idempotency_key, import_id, export_id, part_index, part_count, sha256, receipt, ledger_id,
  sequence, export_type, export_timestamp, software_version, sections, content_coding, wire_bytes, decoded_bytes, received_at)
values ('${SAMPLE_BOAT.id}', 'export_${sequence}/1', 'import_${sequence}', 'export_${sequence}', 1, 1, '${sha256}',
  '${JSON.stringify(receipt)}', '${LEDGER}', ${sequence}, 'incremental', '2026-05-01T12:00:00Z', '0.0.9', '{}', 'gzip', 100, 300,
  '2026-05-01 12:00:0${sequence}+00');
insert into records_boatlog (installation_id, record_id, recorded_at, ledger_id, sequence, export_id, part_index, import_id, sha256,
  received_at, record, latitude, longitude)
values ('${SAMPLE_BOAT.id}', 'r${sequence}', '2026-05-01 11:00+00', '${LEDGER}', ${sequence}, 'export_${sequence}', 1,
  'import_${sequence}', '${hash('sha256', String(sequence))}', '2026-05-01 12:00+00', '{"record_id":"r${sequence}"}', 0, 0);`;
}

/**
 * The rows that a node stores at each released state of the schema, by the step after which they are inserted. Sequence 3 is
 * missing, and two exports used sequence 5 before central recorded ledgers.
 */
export const SAMPLE_ROWS: Readonly<Record<string, string>> = {
  '0001-first': `
insert into installations (installation_id, tier, enrolled_at, last_heard_at, last_export_id, last_ledger_id, last_sequence,
  software_version, documents, records, rejected, wire_bytes, decoded_bytes)
values ('${SAMPLE_BOAT.id}', 2, '2026-04-01+00', '2026-05-01 12:00+00', 'export_4', '${LEDGER}', 4, '0.0.9', 3, 3, 1, 300, 900);
insert into installations (installation_id, enrolled_at, is_disabled) values ('${OTHER_ID}', '2026-04-01+00', true);
insert into device_tokens values ('${SAMPLE_BOAT.id}', '${hash('sha256', SAMPLE_BOAT.token)}', '2026-04-01+00', null);
insert into device_tokens values ('${OTHER_ID}', '${hash('sha256', 'revoked')}', '2026-04-01+00', '2026-04-02+00');
${[1, 2, 4].map(toSampleImport).join('\n')}
insert into rejected_records values ('${SAMPLE_BOAT.id}', 'import_2', 0, 'boatlog', '', 'record_id is missing', '{}', '2026-05-01 12:00+00');
insert into records_settings (installation_id, record_id, export_id, part_index, import_id, sha256, received_at, record)
values ('${SAMPLE_BOAT.id}', 'settings', 'export_1', 1, 'import_1', '00', '2026-05-01 12:00+00', '{"record_id":"settings","language":"en"}');`,
  '0002-withdrawn-sequences': `update imports set withdrawn_sequences = '{3}' where sequence = 4;`,
  '0004-guards': `
update installations set quota_records = 5000, bundle_key = 'key' where installation_id = '${SAMPLE_BOAT.id}';
insert into installation_usage values ('${SAMPLE_BOAT.id}', '2026-05-01', 900, 3, 3, 10);
insert into audit_events values ('${SAMPLE_BOAT.id}', '2026-05-01 12:00+00', 'enrolled', '', 'operator', '', 1, '2026-05-01 12:00+00');`,
};
