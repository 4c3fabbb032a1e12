import { type AllowedWords, asObject, pickFields, toAllowed, toPublicText, toWords } from './allowed.ts';
import { readBrowserJson, readBrowserText } from './browser-data.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { readSourceJson, readSourceText } from './source-file.ts';
import { createStateRecords, type StateRecord } from './state-records.ts';

/** The keys that leave the boat, by file (docs/spec/sources.md, "6 settings"). Other files are never opened. */
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
const PREFERENCE_FIELDS = [
  'measurement_system',
  'language',
  'timezone',
  'theme',
  'fuel_alarm_threshold',
] as const;
const COMMUNITY_FIELDS = ['benchmark_sharing', 'boat_map', 'hazard_reporting', 'knowledge_base'] as const;
/** Words allowed in keys of `settings.json`. Few boats have this free-form file. */
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
const SLOT_WORDS: AllowedWords = toWords('label name position role enabled type order');

/** ID of the only record. */
const RECORD_ID = 'settings';
/** Maximum number of camera slots on a boat. */
const SLOTS_MAX = 32;

/**
 * Reads the settings as one document with the legacy exporter's keys. If one file cannot be read, nothing is exported,
 * because an incomplete document would replace a complete one.
 */
export const settingsCollector: Collector = { category: 'settings', isNews: true, collect };

type JsonObject = Readonly<Record<string, unknown>>;

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const details: string[] = [];
  let found = 0;
  const json = async (name: string): Promise<JsonObject> => {
    const file = await readSourceJson(context, name);
    if (file.kind === 'unreadable') details.push(file.detail);
    if (file.kind !== 'value') return {};
    const object = asObject(file.value);
    if (object === undefined) details.push(`${name} contains no object`);
    found += 1;
    return object ?? {};
  };
  const line = async (name: string): Promise<string | null> => {
    const file = await readSourceText(context, name);
    if (file.kind === 'unreadable') details.push(file.detail);
    if (file.kind !== 'text') return null;
    found += 1;
    return toPublicText(file.text.trim().split('\n')[0]?.trim() ?? '').slice(0, LINE_LENGTH_MAX);
  };
  const license = await json('config/license.json');
  const other = await json('config/settings.json');
  const record: StateRecord = {
    record_id: RECORD_ID,
    license: {
      ...pickFields(license, LICENSE_FIELDS),
      ...('features' in license
        ? { features: pickFields(asObject(license['features']) ?? {}, FEATURE_FIELDS) }
        : {}),
    },
    network: toAllowed(asObject(other['network']) ?? {}, NETWORK_WORDS),
    display: toAllowed(asObject(other['display']) ?? {}, DISPLAY_WORDS),
    preferences: pickFields(await json('config/user-preferences.json'), PREFERENCE_FIELDS),
    community: pickFields(await json('config/community-prefs.json'), COMMUNITY_FIELDS),
    camera_slots: toSlots(await json('config/slots.json')),
    timezone: await line('config/timezone.txt'),
    version: await line('config/version.txt'),
    system_version: await line('VERSION'),
  };
  const browser = readBrowserSettings(context);
  if (details.length > 0) return { state: 'error', detail: details.join('; '), cursors: [] };
  if (found === 0 && browser === undefined) return { state: 'source_missing', cursors: [] };
  const records = createStateRecords(context);
  records.add(browser === undefined ? record : { ...record, browser });
  const page = records.end();
  if (page !== undefined) yield page;
  return { state: 'ok', cursors: [] };
}

/** Returns the settings that exist only in the kiosk's browser, or undefined if no page sent any. */
function readBrowserSettings(context: CollectContext): JsonObject | undefined {
  const system = readBrowserText(context, 'd3kos-measurement-system');
  const hours = readBrowserJson(context, 'd3kos-engine-hours');
  const settings = asObject(readBrowserJson(context, 'd3kos-settings'));
  const browser = {
    ...(system === undefined ? {} : { measurement_system: system.slice(0, LINE_LENGTH_MAX) }),
    ...(hours === undefined ? {} : { engine_hours: toAllowed(hours, ENGINE_HOURS_WORDS) }),
    ...(settings === undefined ? {} : { settings: toAllowed(settings, DISPLAY_WORDS) }),
  };
  return Object.keys(browser).length === 0 ? undefined : browser;
}

/** Maximum number of characters kept from a one-line file. */
const LINE_LENGTH_MAX = 200;

function toSlots(slots: JsonObject): Readonly<Record<string, unknown>> {
  const names = Object.keys(slots).filter((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name));
  return Object.fromEntries(
    names.slice(0, SLOTS_MAX).map((name) => [name, toAllowed(asObject(slots[name]) ?? {}, SLOT_WORDS)]),
  );
}
