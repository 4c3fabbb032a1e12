import {
  COUNTER_KEYS,
  COUNTER_PATH,
  ENV_KEY,
  isVesselKey,
  ONBOARDING_PATH,
  parseEnv,
  toConfiguration,
  VESSEL_PATH,
} from '../collect/onboarding.ts';
import { asObject, pickFields, toNumber } from '../collect/allowed.ts';
import { findRedactions } from '../collect/redact.ts';
import {
  COMMUNITY_FIELDS,
  COMMUNITY_PATH,
  OTHER_PATH,
  PREFERENCE_FIELDS,
  PREFERENCES_PATH,
  toOther,
} from '../collect/settings.ts';
import { TIME_ZONE_PATH } from '../collect/time-zone-file.ts';
import { parseForeignJson } from '../platform/lenient-json.ts';
import { toFirstLine, toLines } from '../platform/text.ts';
import { isTimeZone } from '../platform/time-zone.ts';

/** A file that can be restored from central's data. */
export interface RestorableFile {
  /** Path below the boat's root. */
  readonly path: string;
  /** The record that contains the values. */
  readonly record: 'onboarding' | 'settings';
  /** Names of the restored values. Never empty. */
  readonly keys: readonly string[];
  /**
   * Returns the file's new content, given its current content. Keeps values that central does not hold. Returns undefined if the
   * file already has every restored value.
   */
  merge(present: string | undefined): string | undefined;
}

/** The files to restore, and the values that cannot be restored, each with its reason. */
export interface Restorable {
  readonly files: readonly RestorableFile[];
  readonly notRestored: readonly string[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Derives the files from the two records. Central's answer is untrusted input: only values that the collectors export are written
 * back, and never anything that a shell could execute. No other files are written, in particular neither `license.json` nor any
 * file with a secret.
 */
export function toRestorable(
  onboarding: JsonObject | undefined,
  settings: JsonObject | undefined,
): Restorable {
  const notRestored: string[] = [];
  const json = (record: RestorableFile['record'], path: string, values: JsonObject) =>
    toJsonFile(record, path, withoutRedacted(path, values, notRestored));
  const part = (name: string): JsonObject => asObject(settings?.[name]) ?? {};
  const files = [
    json(
      'onboarding',
      ONBOARDING_PATH,
      toConfiguration(asObject(onboarding?.['configuration']) ?? {}, () => undefined),
    ),
    toVesselFile(asObject(onboarding?.['vessel']) ?? {}, notRestored),
    toCounterFile(toNumber(onboarding?.['reset_count'])),
    json('settings', PREFERENCES_PATH, pickFields(part('preferences'), PREFERENCE_FIELDS)),
    json('settings', COMMUNITY_PATH, pickFields(part('community'), COMMUNITY_FIELDS)),
    json('settings', OTHER_PATH, withoutEmpty(toOther(settings ?? {}, () => undefined))),
    toTimeZoneFile(settings?.['timezone']),
  ];
  if (isFilled(settings?.['camera_slots']))
    notRestored.push(
      'config/slots.json: the hardware addresses of cameras never leave the boat; assign them again',
    );
  for (const [record, key] of [
    [onboarding, 'browser_configuration'],
    [settings, 'browser'],
  ] as const)
    if (isFilled(record?.[key]))
      notRestored.push(
        `${key}: these values were stored in the kiosk's browser; set them again on its pages`,
      );
  return { files: files.filter((file) => file !== undefined), notRestored };
}

function isFilled(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function withoutEmpty(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isFilled(value)));
}

/** Leaves out values that were redacted before they left the boat. */
function withoutRedacted(path: string, values: JsonObject, notRestored: string[]): JsonObject {
  return Object.fromEntries(
    Object.entries(values).filter(([key, value]) => {
      const [redaction] = findRedactions(value);
      if (redaction !== undefined)
        notRestored.push(
          `${path}: ${key}, because ${redaction.reason} was removed from it before it left the boat`,
        );
      return redaction === undefined;
    }),
  );
}

function toJsonFile(
  record: RestorableFile['record'],
  path: string,
  values: JsonObject,
): RestorableFile | undefined {
  const keys = Object.keys(values);
  if (keys.length === 0) return undefined;
  return {
    path,
    record,
    keys,
    merge(present) {
      const read = present === undefined ? undefined : parseForeignJson(present);
      const before = read?.kind === 'value' ? asObject(read.value) : undefined;
      const merged = toText(mergeObjects(before ?? {}, values));
      return before !== undefined && toText(before) === merged ? undefined : merged;
    },
  };
}

function toText(value: JsonObject): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Merges `values` into `before` recursively. The allow-lists that `values` has passed bound the depth. */
function mergeObjects(before: JsonObject, values: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(values)) {
    const inner = asObject(value);
    const held = Object.hasOwn(before, key) ? asObject(before[key]) : undefined;
    merged[key] = inner !== undefined && held !== undefined ? mergeObjects(held, inner) : value;
  }
  return merged;
}

/** The counter never decreases, because reflashing a boat must not give back resets that its owner has used. */
function toCounterFile(restored: ReturnType<typeof toNumber>): RestorableFile | undefined {
  const count = Number(restored);
  if (restored === null || !Number.isSafeInteger(count) || count <= 0) return undefined;
  return {
    path: COUNTER_PATH,
    record: 'onboarding',
    keys: ['count'],
    merge(present) {
      const read = present === undefined ? undefined : parseForeignJson(present);
      const before = (read?.kind === 'value' ? asObject(read.value) : undefined) ?? {};
      const key = COUNTER_KEYS.find((name) => Object.hasOwn(before, name)) ?? COUNTER_KEYS[0];
      const held = Number(toNumber(before[key]) ?? 0);
      return held >= count ? undefined : toText({ ...before, [key]: count });
    },
  };
}

function toTimeZoneFile(zone: unknown): RestorableFile | undefined {
  if (typeof zone !== 'string' || !isTimeZone(zone)) return undefined;
  return {
    path: TIME_ZONE_PATH,
    record: 'settings',
    keys: ['time zone'],
    merge: (present) => (toFirstLine(present ?? '') === zone ? undefined : `${zone}\n`),
  };
}

function toVesselFile(vessel: JsonObject, notRestored: string[]): RestorableFile | undefined {
  const lines = new Map<string, { readonly value: string; readonly line: string }>();
  const values = withoutRedacted(VESSEL_PATH, vessel, notRestored);
  for (const [key, value] of Object.entries(values)) {
    if (typeof value !== 'string' || !ENV_KEY.test(key) || !isVesselKey(key)) continue;
    const quoted = quote(value);
    if (quoted === undefined)
      notRestored.push(`${VESSEL_PATH}: ${key}, because its value cannot be quoted safely for a shell`);
    else lines.set(key, { value, line: `${key}=${quoted}` });
  }
  if (lines.size === 0) return undefined;
  return {
    path: VESSEL_PATH,
    record: 'onboarding',
    keys: [...lines.keys()],
    merge(present = '') {
      const held = new Map(parseEnv(present).map(({ key, value }) => [key, value]));
      const missing = new Map([...lines].filter(([key, { value }]) => held.get(key) !== value));
      if (missing.size === 0) return undefined;
      // A replaced key keeps its position, and a later duplicate must not override the restored value.
      const kept = toLines(present).flatMap((line) => {
        const key = parseEnv(line)[0]?.key;
        if (key === undefined || !missing.has(key)) return [line];
        return [];
      });
      while (kept.at(-1)?.trim() === '') kept.pop();
      return [...kept, ...[...missing.values()].map(({ line }) => line), ''].join('\n');
    },
  };
}

/**
 * Quotes a value for `vessel.env`. Both a shell that sources the file and a program that strips the quotes then read exactly this
 * value. Returns undefined if that is not possible.
 */
function quote(value: string): string | undefined {
  if (/^[\w.:@%+,/-]*$/.test(value)) return value;
  // A newline would begin another key, and some readers treat other control characters as the end of the text.
  if (/[\u0000-\u001f\u007f]/.test(value)) return undefined;
  if (!/["$`\\!]/.test(value)) return `"${value}"`;
  return value.includes("'") ? undefined : `'${value}'`;
}
