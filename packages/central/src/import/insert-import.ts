import type { Receipt } from '@d3kos/protocol';
import type { NamedValues, SqlFragment } from '../store/database.ts';
import { toStorableText } from './json-value.ts';
import { type PartToStore, toIso, toSoftwareVersion } from './part-to-store.ts';

/** Registers a part under its idempotency key, with its receipt. */
export const INSERT_IMPORT: SqlFragment = `
  insert into imports (installation_id, idempotency_key, import_id, export_id, part_index, part_count, sha256,
    receipt, ledger_id, sequence, export_type, export_timestamp, software_version,
    sections, content_coding, wire_bytes, decoded_bytes, received_at, withdrawn_sequences)
  values (:installation_id::text, :idempotency_key::text, :import_id::text, :export_id::text, :part_index::integer, :part_count::integer, :sha256::text,
    :receipt::json, :ledger_id::text, :sequence::bigint, :export_type::text, :export_timestamp::text, :software_version::text,
    :sections::jsonb, :content_coding::text, :wire_bytes::bigint, :decoded_bytes::bigint, :received_at::timestamptz, :withdrawn::text::bigint[])`;

/** The parameters of INSERT_IMPORT. */
export function toImportValues(part: PartToStore, receipt: Receipt): NamedValues {
  const { document, identity } = part;
  return {
    installation_id: document.installation_id,
    idempotency_key: identity.idempotencyKey,
    import_id: part.importId,
    export_id: identity.exportId,
    part_index: identity.part.index,
    part_count: identity.part.count,
    sha256: part.sha256,
    receipt: JSON.stringify(receipt),
    ledger_id: document.ledger_id ?? null,
    sequence: document.sequence ?? null,
    export_type: document.export_type ?? null,
    export_timestamp: toStorableText(document.export_timestamp),
    software_version: toSoftwareVersion(document),
    sections: part.sections,
    content_coding: part.contentCoding,
    wire_bytes: part.wireSizeBytes,
    decoded_bytes: part.decodedSizeBytes,
    received_at: toIso(part.receivedMs),
    withdrawn: toArrayLiteral(document.withdrawn_sequences),
  };
}

/** Returns an SQL array literal, because the drivers convert JavaScript arrays differently. */
function toArrayLiteral(values: readonly number[] | undefined): string | null {
  return values === undefined ? null : `{${values.join(',')}}`;
}
