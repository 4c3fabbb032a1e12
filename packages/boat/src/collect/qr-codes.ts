import { asObjects, toNumber } from './allowed.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import { toPublicText } from './redact.ts';
import { readSourceJson, readTimestampReader, toFileOutcome } from './source-file.ts';
import { createLeftOutKeys, createOddParts, joinDetails } from './source-notes.ts';
import { createStateRecords, type StateRecord, toStatePages } from './state-records.ts';

const SOURCE_PATH = 'data/qr-codes.json';
/** The keys that leave the boat. */
const FIELDS: ReadonlySet<string> = new Set(['installation_uuid', 'generated_at', 'tier', 'api_endpoint']);

/**
 * Reads the generated QR codes. Only installation_uuid, generated_at, tier and api_endpoint leave the boat. The pairing
 * token stays on the boat, because it is a credential.
 */
export const qrCodesCollector: Collector = { category: 'qr_codes', isNews: true, collect };

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const file = await readSourceJson(context, SOURCE_PATH);
  if (file.kind !== 'value') return { ...toFileOutcome(SOURCE_PATH, file), cursors: [] };
  const odd = createOddParts(SOURCE_PATH, 'element');
  // A single object counts as a list of one.
  const objects = asObjects(file.value, odd) ?? asObjects([file.value]) ?? [];
  if (objects.length === 0 && !isEmptyList(file.value))
    return { state: 'schema_unknown', detail: `${SOURCE_PATH} contains no QR codes`, cursors: [] };
  const leftOut = createLeftOutKeys();
  const onLeftOut = leftOut.of(SOURCE_PATH);
  for (const code of objects) for (const key of Object.keys(code)) if (!FIELDS.has(key)) onLeftOut(key);
  const readTime = await readTimestampReader(context);
  const records = createStateRecords(context);
  yield* toStatePages(
    records,
    objects.map((code) => toQrCode(code, (raw) => readTime(raw).utc)),
  );
  return {
    state: objects.length === 0 ? 'empty' : 'ok',
    ...joinDetails([odd.detail(), leftOut.detail()]),
    cursors: [],
  };
}

function toQrCode(
  code: Readonly<Record<string, unknown>>,
  toUtc: (raw: unknown) => string | null,
): StateRecord {
  const text = (name: string): string | null => {
    const value = code[name];
    return typeof value === 'string' ? toPublicText(value) : null;
  };
  const uuid = text('installation_uuid');
  const generatedAt = text('generated_at');
  const fields = {
    installation_uuid: uuid,
    generated_at: generatedAt,
    generated_at_utc: toUtc(code['generated_at']),
    tier: typeof code['tier'] === 'string' ? null : toNumber(code['tier']),
    api_endpoint: toEndpoint(code['api_endpoint']),
  };
  const name = uuid ?? toContentId(sha256(JSON.stringify(fields)), 0);
  return { record_id: toRecordId(name, generatedAt ?? '', sha256), ...fields };
}

/** Removes the user, password, query and fragment from a URL. */
function toEndpoint(value: unknown): string | null {
  if (typeof value !== 'string' || !URL.canParse(value)) return null;
  const url = new URL(value);
  return `${url.protocol}//${url.host}${url.pathname}`;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
