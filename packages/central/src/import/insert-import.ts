import type { Receipt } from '@d3kos/protocol';
import type { Queryable } from '../platform/ports.ts';
import { runStatement, statements } from '../store/database.ts';
import { toStorableText } from './json-value.ts';
import { type PartToStore, toIso, toSoftwareVersion } from './part-to-store.ts';

/** Registers a part under its idempotency key, with its receipt. */
export async function insertImport(tx: Queryable, part: PartToStore, receipt: Receipt): Promise<void> {
  const { document, identity } = part;
  await runStatement(
    tx,
    statements.insertInto('imports').values({
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
      withdrawn_sequences: toArrayLiteral(document.withdrawn_sequences),
    }),
  );
}

function toArrayLiteral(values: readonly number[] | undefined): string | null {
  return values === undefined ? null : `{${values.join(',')}}`;
}
