import { toFirstLine } from '../platform/text.ts';
import { type AllowedWords, asObject, pickFields, toAllowed, toWords } from './allowed.ts';
import { type OnProblem, readBrowserJson, readBrowserShape, readBrowserText } from './browser-data.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { createDocumentFiles, toDocumentRecord } from './document-files.ts';
import { toPublicText } from './redact.ts';
import { createLeftOutKeys, joinDetails, type LeftOutKeys, type OnLeftOut } from './source-notes.ts';
import { createStateRecords } from './state-records.ts';
import { readTimeZone, TIME_ZONE_PATH } from './time-zone-file.ts';

/** The keys that leave the boat, listed by file (docs/spec/sources.md, "6 settings"). Other files are never opened. */
const LICENSE_FIELDS = [
  'installation_id',
  'tier',
  'tier_name',
  'reset_count',
  'max_resets',
  'version',
  'subscription_status',
  'subscription_expires_at',
  'upgrade_method',
  'upgraded_at',
  'activated_at',
  'created_at',
  'first_boot',
  'last_update_check',
] as const;
const FEATURE_FIELDS = ['voice_assistant', 'camera', 'unlimited_resets', 'cloud_sync'] as const;
export const PREFERENCE_FIELDS = [
  'measurement_system',
  'language',
  'timezone',
  'theme',
  'fuel_alarm_threshold',
] as const;
export const COMMUNITY_FIELDS = [
  'benchmark_sharing',
  'boat_map',
  'hazard_reporting',
  'knowledge_base',
] as const;
/** Words allowed in the keys of `settings.json`, a free-form file that only a few boats have. */
const NETWORK_WORDS: AllowedWords = toWords(
  'hotspot enabled mode channel country dhcp is wifi ethernet metered',
);
const DISPLAY_WORDS: AllowedWords = toWords(
  'brightness theme dark light mode night day auto timeout screen saver size font scale orientation rotation resolution',
  'width height units unit format time date language enabled',
);
const ENGINE_HOURS_WORDS: AllowedWords = toWords(
  'hours hour total engine port starboard last updated value trip',
);
/** A camera slot's keys, as the camera service writes them. A hardware ID is a network address and stays on the boat. */
const SLOT_WORDS: AllowedWords = toWords(
  'slot id label name position role roles enabled type order display assigned created forward watch fish detection active',
  'default in grid',
);

/** ID of the category's only record. */
const RECORD_ID = 'settings';
/** Maximum number of camera slots on a boat. */
const SLOTS_MAX = 32;

/** Paths to the sources that have a list of allowed keys. */
const LICENSE_PATH = 'config/license.json';
export const PREFERENCES_PATH = 'config/user-preferences.json';
export const COMMUNITY_PATH = 'config/community-prefs.json';
const SLOTS_PATH = 'config/slots.json';
export const OTHER_PATH = 'config/settings.json';

/**
 * Reads the settings as one document with the legacy exporter's keys. Files are independent: one that cannot be read or has an
 * unknown shape affects only its own key and is named in `detail`.
 */
export const settingsCollector: Collector = { category: 'settings', isNews: true, collect };

type JsonObject = Readonly<Record<string, unknown>>;

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const leftOut = createLeftOutKeys();
  const browserProblems: string[] = [];
  const browser = readBrowserSettings(
    context,
    leftOut.of('d3kos-settings'),
    (problem) => void browserProblems.push(problem),
  );
  const { document, found, problems: fileProblems } = await readDocument(context, leftOut);
  const problems = [...fileProblems, ...browserProblems];
  const details = joinDetails([...problems, leftOut.detail()]);
  if (found === 0 && browser === undefined)
    return { state: problems.length === 0 ? 'source_missing' : 'error', ...details, cursors: [] };
  const records = createStateRecords(context);
  const isBrowserMissing = browser === undefined && browserProblems.length === 0;
  records.add(toDocumentRecord(RECORD_ID, { ...document, ...(isBrowserMissing ? {} : { browser }) }));
  const page = records.end();
  if (page !== undefined) yield page;
  return { state: 'ok', ...details, cursors: [] };
}

/** The keys that `settings.json` contributes to the document, used if the file cannot be read. */
const UNREAD_OTHER = { network: undefined, display: undefined } as const;

/** A key of `document` is undefined if there is a problem with its file. */
async function readDocument(
  context: CollectContext,
  leftOut: LeftOutKeys,
): Promise<{ readonly document: JsonObject; readonly found: number; readonly problems: readonly string[] }> {
  const files = createDocumentFiles(context);
  const object = (name: string): Promise<JsonObject | undefined> => files.json(name, {}, asObject);
  const license = await object(LICENSE_PATH);
  const other = await object(OTHER_PATH);
  const preferences = await object(PREFERENCES_PATH);
  const community = await object(COMMUNITY_PATH);
  const slots = await files.json<Slots>(SLOTS_PATH, {}, toSlotShape);
  const zone = await readTimeZone(context.disk, context.paths.root);
  const document = {
    license: license && toLicense(license, leftOut.of(LICENSE_PATH)),
    ...(other === undefined ? UNREAD_OTHER : toOther(other, leftOut.of(OTHER_PATH))),
    preferences: preferences && pickFields(preferences, PREFERENCE_FIELDS, leftOut.of(PREFERENCES_PATH)),
    community: community && pickFields(community, COMMUNITY_FIELDS, leftOut.of(COMMUNITY_PATH)),
    camera_slots: slots && toSlots(slots, leftOut.of(SLOTS_PATH)),
    timezone: toSettingLine(await files.text(TIME_ZONE_PATH)),
    version: toSettingLine(await files.text('config/version.txt')),
    system_version: toSettingLine(await files.text('VERSION')),
  };
  const { problem = '' } = zone;
  const isNamed = problem === '' || files.problems().includes(problem);
  return {
    document,
    found: files.found(),
    problems: isNamed ? files.problems() : [...files.problems(), problem],
  };
}

function toLicense(license: JsonObject, onLeftOut: OnLeftOut): JsonObject {
  const fields = pickFields(license, LICENSE_FIELDS, (key) => {
    if (key !== 'features') onLeftOut(key);
  });
  if (!('features' in license)) return fields;
  return { ...fields, features: pickFields(asObject(license['features']) ?? {}, FEATURE_FIELDS, onLeftOut) };
}

/** Returns the parts of `settings.json` that may leave the boat and can be restored. */
export function toOther(other: JsonObject, onLeftOut: OnLeftOut): JsonObject {
  for (const key of Object.keys(other)) if (key !== 'network' && key !== 'display') onLeftOut(key);
  return {
    network: toAllowed(asObject(other['network']) ?? {}, NETWORK_WORDS, onLeftOut),
    display: toAllowed(asObject(other['display']) ?? {}, DISPLAY_WORDS, onLeftOut),
  };
}

/** Returns a file's first line, or null if there is none. Returns undefined for undefined. */
function toSettingLine(text: string | null | undefined): string | null | undefined {
  return text && toPublicText(toFirstLine(text)).slice(0, LINE_LENGTH_MAX);
}

/** Returns the settings that exist only in the kiosk's browser, or undefined if no page sent any. */
function readBrowserSettings(
  context: CollectContext,
  onLeftOut: OnLeftOut,
  onProblem: OnProblem,
): JsonObject | undefined {
  const system = readBrowserText(context, 'd3kos-measurement-system', onProblem);
  const hours = readBrowserJson(context, 'd3kos-engine-hours', onProblem);
  const settings = readBrowserShape(context, 'd3kos-settings', asObject, onProblem);
  const browser = {
    ...(system === undefined ? {} : { measurement_system: system.slice(0, LINE_LENGTH_MAX) }),
    ...(hours === undefined ? {} : { engine_hours: toAllowed(hours, ENGINE_HOURS_WORDS, onLeftOut) }),
    ...(settings === undefined ? {} : { settings: toAllowed(settings, DISPLAY_WORDS, onLeftOut) }),
  };
  return Object.keys(browser).length === 0 ? undefined : browser;
}

/** Maximum number of characters kept from a one-line file. */
const LINE_LENGTH_MAX = 200;

type Slots = JsonObject | readonly unknown[];

/** Current boats store a list of slots. Older ones store an object with the slots by name. */
function toSlotShape(value: unknown): Slots | undefined {
  return Array.isArray(value) ? value : asObject(value);
}

function toSlots(slots: Slots, onLeftOut: OnLeftOut): unknown {
  if (isList(slots)) return toAllowed(slots.slice(0, SLOTS_MAX), SLOT_WORDS, onLeftOut);
  const names: string[] = [];
  for (const name of Object.keys(slots))
    if (names.length < SLOTS_MAX && /^[A-Za-z0-9_-]{1,64}$/.test(name)) names.push(name);
    else onLeftOut(name);
  return Object.fromEntries(
    names.map((name) => [name, toAllowed(slots[name], SLOT_WORDS, onLeftOut) ?? null]),
  );
}

/** `Array.isArray` does not narrow a type that may be a readonly list. */
function isList(value: Slots): value is readonly unknown[] {
  return Array.isArray(value);
}
