import {
  type AllowedWords,
  asObject,
  isAllowedKey,
  toAllowed,
  toNumber,
  toPublicText,
  toWords,
} from './allowed.ts';
import { readBrowserJson } from './browser-data.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { type FileJson, readSourceJson, readSourceText } from './source-file.ts';
import { createStateRecords } from './state-records.ts';

/** Keys of the wizard's answers: q1 to q16, and later questions. */
const QUESTION = /^q\d{1,2}$/;
/** The words allowed in other keys: terms for a boat, its engine and its owner's choices. */
const CONFIGURATION_WORDS: AllowedWords = toWords(
  'language dir completed at version step steps skipped vessel boat name home port make manufacturer year model engine',
  'chartplotter cylinders size power hp kw compression ratio idle max rpm type origin position count displacement fuel',
  'tank capacity length beam draft draught hull material units measurement system timezone theme region country',
  'number stroke drive propeller pitch diameter mmsi callsign call sign loa berth marina water battery bank volts',
);

const SOURCE_PATH = 'config/onboarding.json';
const VESSEL_PATH = 'services/dashboard/config/vessel.env';
const COUNTER_PATH = 'state/onboarding-reset-count.json';
/**
 * Names of the reset counter in all versions (docs/spec/sources.md, "8 onboarding"). The legacy exporter's name comes
 * first.
 */
const COUNTER_KEYS = ['count', 'reset_count', 'resetCount'] as const;
/** The localStorage key of the wizard's answers. */
const BROWSER_KEY = 'onboarding-config';
/** ID of the only record. */
const RECORD_ID = 'onboarding';

/** Reads the first-run answers as one document. A reflashed boat is restored from it, so allowed values are exported unchanged. */
export const onboardingCollector: Collector = { category: 'onboarding', isNews: true, collect };

type JsonObject = Readonly<Record<string, unknown>>;

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const details: string[] = [];
  const object = (file: FileJson, name: string): JsonObject | undefined => {
    if (file.kind === 'unreadable') details.push(file.detail);
    if (file.kind !== 'value') return undefined;
    const value = asObject(file.value);
    if (value === undefined) details.push(`${name} contains no object`);
    return value;
  };
  const answers = object(await readSourceJson(context, SOURCE_PATH), SOURCE_PATH);
  const counter = object(await readSourceJson(context, COUNTER_PATH), COUNTER_PATH);
  const license = object(await readSourceJson(context, 'config/license.json'), 'config/license.json');
  const vesselFile = await readSourceText(context, VESSEL_PATH);
  if (vesselFile.kind === 'unreadable') details.push(vesselFile.detail);
  const browser = asObject(readBrowserJson(context, BROWSER_KEY));
  if (details.length > 0) return { state: 'error', detail: details.join('; '), cursors: [] };
  const vessel = vesselFile.kind === 'text' ? parseEnv(vesselFile.text) : undefined;
  if (answers === undefined && vessel === undefined && browser === undefined && counter === undefined)
    return { state: 'source_missing', cursors: [] };
  const configuration = toConfiguration(answers ?? {});
  const records = createStateRecords(context);
  records.add({
    record_id: RECORD_ID,
    configuration,
    reset_count: readCounter(counter) ?? toNumber(license?.['reset_count']) ?? 0,
    max_resets: toNumber(license?.['max_resets']),
    completion_timestamp: configuration['completed_at'] ?? null,
    ...(vessel === undefined ? {} : { vessel: toConfiguration(vessel) }),
    ...(browser === undefined ? {} : { browser_configuration: toConfiguration(browser) }),
  });
  const page = records.end();
  if (page !== undefined) yield page;
  return { state: 'ok', cursors: [] };
}

function readCounter(counter: JsonObject | undefined): number | null {
  for (const key of COUNTER_KEYS) {
    const value = toNumber(counter?.[key]);
    if (value !== null) return value;
  }
  return null;
}

function toConfiguration(source: JsonObject): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(source)) {
    if (!QUESTION.test(key) && !isAllowedKey(key, CONFIGURATION_WORDS)) continue;
    const allowed = toAllowed(value, CONFIGURATION_WORDS);
    if (allowed !== undefined) kept[key] = allowed;
  }
  return kept;
}

/** Parses KEY=VALUE lines. Values may be quoted. Comments and lines without a key are skipped. */
function parseEnv(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^\s*(?:export\s+)?([A-Za-z][A-Za-z0-9_]{0,63})\s*=\s*(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    values[match[1]] = toPublicText(match[2].replace(/^(["'])(.*)\1$/, '$2'));
  }
  return values;
}
