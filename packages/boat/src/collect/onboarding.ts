import type { ExactNumber } from '@d3kos/protocol';
import { toLines } from '../platform/text.ts';
import { type AllowedWords, asObject, isAllowedKey, toAllowed, toNumber, toWords } from './allowed.ts';
import { readBrowserShape } from './browser-data.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { createDocumentFiles, toDocumentRecord } from './document-files.ts';
import { toOwnText } from './redact.ts';
import {
  createLeftOutKeys,
  createOddParts,
  joinDetails,
  type OddParts,
  type OnLeftOut,
} from './source-notes.ts';
import { createStateRecords } from './state-records.ts';

/** Keys of the wizard's answers: q1 to q16 and any questions added later. */
const QUESTION = /^q\d{1,2}$/;
/**
 * Keys that the wizard and the settings page write to `vessel.env` (docs/spec/sources.md, "8 onboarding"). Keys of a second
 * engine begin with `ENGINE2_`.
 */
const VESSEL_KEYS: ReadonlySet<string> = toWords(
  'VESSEL_NAME HOME_PORT HOME_PORT_LAT HOME_PORT_LON UI_LANG ONBOARDING_RUNS EQUIPMENT_NOTES',
  'BOAT_MAKE BOAT_YEAR BOAT_MODEL BOAT_TYPE BOAT_LOA BOAT_REGION',
  'ENGINE_MAKE ENGINE_MODEL ENGINE_YEAR ENGINE_HP ENGINE_CYLINDERS ENGINE_FUEL ENGINE_INDUCTION ENGINE_IDLE_RPM',
  'ENGINE_MAX_RPM ENGINE_COUNT NMEA_GATEWAY CHARTPLOTTER VHF_RADIO',
);
/** Words allowed in other keys: terms for a boat, its engine and its owner's choices. */
const CONFIGURATION_WORDS: AllowedWords = toWords(
  'language dir completed at version step steps skipped vessel boat name home port make manufacturer year model engine',
  'chartplotter cylinders size power hp kw compression ratio idle max rpm type origin position count displacement fuel',
  'tank capacity length beam draft draught hull material units measurement system timezone theme region country',
  'number stroke drive propeller pitch diameter mmsi callsign call sign loa berth marina water battery bank volts',
  'lat lon latitude longitude induction nmea gateway vhf radio radar autopilot equipment notes ui lang locale onboarding runs',
  'run owner generator transmission gear serial registration flag sail keel displacement weight anchor windlass mast height',
  'ais gps sonar depth transducer display sounder wind instrument instruments engines alternator charger solar inverter',
);

/** Paths to the sources below the boat's root. */
export const ONBOARDING_PATH = 'config/onboarding.json';
export const VESSEL_PATH = 'services/dashboard/config/vessel.env';
export const COUNTER_PATH = 'state/onboarding-reset-count.json';
const LICENSE_PATH = 'config/license.json';
/**
 * Names that the reset counter has had in any version (docs/spec/sources.md, "8 onboarding"). The legacy exporter's name comes
 * first.
 */
export const COUNTER_KEYS = ['count', 'reset_count', 'resetCount'] as const;
/** The localStorage key of the wizard's answers. */
const BROWSER_KEY = 'onboarding-config';
/** ID of the category's only record. */
const RECORD_ID = 'onboarding';

/**
 * Reads the first-run answers as one document. Reflashed boats are restored from this document, so allowed values are exported
 * unchanged. Files are independent: one that cannot be read or has an unknown shape affects only its own key and is named in
 * `detail`.
 */
export const onboardingCollector: Collector = { category: 'onboarding', isNews: true, collect };

type JsonObject = Readonly<Record<string, unknown>>;

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const files = createDocumentFiles(context);
  const leftOut = createLeftOutKeys();
  const answers = await files.json<JsonObject | null>(ONBOARDING_PATH, null, asObject);
  const counter = await files.json<JsonObject | null>(COUNTER_PATH, null, asObject);
  const vessel = await files.text(VESSEL_PATH);
  const found = files.found();
  const license = await files.json<JsonObject | null>(LICENSE_PATH, null, asObject);
  const problems: string[] = [];
  const browser = readBrowserShape(context, BROWSER_KEY, asObject, (problem) => void problems.push(problem));
  const odd = createOddParts(VESSEL_PATH, 'line');
  const configuration =
    answers === undefined ? undefined : toConfiguration(answers ?? {}, leftOut.of(ONBOARDING_PATH));
  const fields = {
    configuration,
    ...toCounters(counter, license),
    completion_timestamp: configuration === undefined ? undefined : (configuration['completed_at'] ?? null),
    ...(vessel === null ? {} : { vessel: vessel && toVessel(vessel, odd, leftOut.of(VESSEL_PATH)) }),
    ...(browser === undefined && problems.length === 0
      ? {}
      : { browser_configuration: browser && toConfiguration(browser, leftOut.of(BROWSER_KEY)) }),
  };
  const details = joinDetails([...files.problems(), ...problems, odd.detail(), leftOut.detail()]);
  if (found === 0 && browser === undefined)
    return {
      state: files.problems().length + problems.length === 0 ? 'source_missing' : 'error',
      ...details,
      cursors: [],
    };
  const records = createStateRecords(context);
  records.add(toDocumentRecord(RECORD_ID, fields));
  const page = records.end();
  if (page !== undefined) yield page;
  return { state: 'ok', ...details, cursors: [] };
}

/**
 * `undefined` means that there is a problem with a file, and `null` that the file does not exist. The counter's own file comes
 * first.
 */
function toCounters(
  counter: JsonObject | null | undefined,
  license: JsonObject | null | undefined,
): JsonObject {
  const known = readCounter(counter) ?? toNumber(license?.['reset_count']);
  return {
    reset_count: known ?? (counter === undefined || license === undefined ? undefined : 0),
    max_resets: license === undefined ? undefined : toNumber(license?.['max_resets']),
  };
}

function readCounter(counter: JsonObject | null | undefined): number | ExactNumber | null {
  for (const key of COUNTER_KEYS) {
    const value = toNumber(counter?.[key]);
    if (value !== null) return value;
  }
  return null;
}

/** Returns the wizard's answers that may leave the boat and can be restored. */
export function toConfiguration(source: JsonObject, onLeftOut: OnLeftOut): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(source)) {
    const isAllowed = QUESTION.test(key) || isAllowedKey(key, CONFIGURATION_WORDS);
    const allowed = !isAllowed
      ? undefined
      : typeof value === 'string'
        ? toOwnText(value)
        : toAllowed(value, CONFIGURATION_WORDS, onLeftOut);
    if (allowed === undefined) onLeftOut(key);
    else kept[key] = allowed;
  }
  return kept;
}

function toVessel(text: string, odd: OddParts, onLeftOut: OnLeftOut): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const { key, value } of parseEnv(text, odd))
    if (isVesselKey(key)) kept[key] = toOwnText(value);
    else onLeftOut(key);
  return kept;
}

/** Returns true for a key of `vessel.env` that may leave the boat and can be restored. */
export function isVesselKey(key: string): boolean {
  return VESSEL_KEYS.has(key.replace(/^ENGINE\d_/, 'ENGINE_')) || isAllowedKey(key, CONFIGURATION_WORDS);
}

/** A key of `vessel.env`. */
export const ENV_KEY = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Parses KEY=VALUE lines. Values may be quoted. Comments and blank lines are skipped. */
export function parseEnv(
  text: string,
  odd?: OddParts,
): readonly { readonly key: string; readonly value: string }[] {
  return toLines(text).flatMap((whole, index) => {
    const line = whole.trim();
    if (line === '' || line.startsWith('#')) return [];
    const equals = line.indexOf('=');
    const key = line
      .slice(0, Math.max(equals, 0))
      .trim()
      .replace(/^export\s/, '')
      .trim();
    if (ENV_KEY.test(key)) return { key, value: withoutQuotes(line.slice(equals + 1).trim()) };
    odd?.add(index + 1, 'is not KEY=VALUE');
    return [];
  });
}

function withoutQuotes(value: string): string {
  const [quote = ''] = value;
  const isQuoted = value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote);
  return isQuoted ? value.slice(1, -1) : value;
}
