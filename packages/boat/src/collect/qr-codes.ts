import type { ExactNumber } from '@d3kos/protocol';
import { asObjects, toScalar, toScalarText } from './allowed.ts';
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
  // A single object counts as a list with one element.
  const objects = asObjects(file.value, odd) ?? asObjects([file.value]) ?? [];
  if (objects.length === 0 && !isEmptyList(file.value))
    return { state: 'schema_unknown', detail: `${SOURCE_PATH} contains no QR codes`, cursors: [] };
  const leftOut = createLeftOutKeys();
  const onLeftOut = leftOut.of(SOURCE_PATH);
  for (const code of objects) for (const key of Object.keys(code)) if (!FIELDS.has(key)) onLeftOut(key);
  const oddValues = createOddParts(SOURCE_PATH, 'value');
  const readTime = await readTimestampReader(context);
  const records = createStateRecords(context);
  yield* toStatePages(
    records,
    objects.values().map((code, index) =>
      toQrCode(
        code,
        (raw) => readTime(raw).utc,
        (key, reason) => oddValues.add(`code ${index + 1}, ${key}`, reason),
      ),
    ),
  );
  return {
    state: objects.length === 0 ? 'empty' : 'ok',
    ...joinDetails([odd.detail(), oddValues.detail(), leftOut.detail()]),
    cursors: [],
  };
}

function toQrCode(
  code: Readonly<Record<string, unknown>>,
  toUtc: (raw: unknown) => string | null,
  onOdd: (key: string, reason: string) => void,
): StateRecord {
  const scalar = (name: string): string | number | ExactNumber | null => {
    const value = code[name] ?? null;
    const found = toScalar(value);
    if (found === null && value !== null) onOdd(name, 'is neither text nor a number');
    return typeof found === 'string' ? toPublicText(found) : found;
  };
  const endpoint = code['api_endpoint'] ?? null;
  if (endpoint !== null && toEndpoint(endpoint) === null) onOdd('api_endpoint', 'is not an address');
  const uuid = scalar('installation_uuid');
  const generatedAt = scalar('generated_at');
  const fields = {
    installation_uuid: uuid,
    generated_at: generatedAt,
    generated_at_utc: toUtc(code['generated_at']),
    tier: scalar('tier'),
    api_endpoint: toEndpoint(endpoint),
  };
  const name = uuid === null ? toContentId(sha256(JSON.stringify(fields)), 0) : toScalarText(uuid);
  const time = generatedAt === null ? '' : toScalarText(generatedAt);
  return { record_id: toRecordId(name, time, sha256), ...fields };
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
