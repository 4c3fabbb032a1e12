import type { ExportDocument } from '@d3kos/protocol';
import { toClaimedTime } from './claimed-time.ts';
import { isJsonObject, toStorableText } from './json-value.ts';
import { toMapPosition } from './map-position.ts';
import { positionIn } from './records.ts';

/** Maximum number of characters of a boat's name that the operator's list shows. The record keeps the complete text. */
const NAME_LENGTH_MAX = 80;

/** A boat's last position according to its own log. */
export interface BoatPosition {
  readonly latitude: number;
  readonly longitude: number;
  /** The time that the boat claims, in ISO 8601, or null if it has no zone. */
  readonly recordedAt: string | null;
}

/** A document's claims about its boat, for the operator's list. */
export interface BoatFacts {
  /** Undefined if the document has no name for the boat. */
  readonly name: string | undefined;
  readonly position: BoatPosition | undefined;
}

/** Reads the facts. The boat log is searched backwards for a position, because a log is in ascending order. */
export function toBoatFacts({ boatlog, onboarding }: ExportDocument['data']): BoatFacts {
  return {
    name: findName([...(onboarding?.entries ?? []), onboarding?.data]),
    position: findPosition(boatlog?.entries ?? []),
  };
}

/** The wizard's key for the boat's name, and the keys of older versions. */
const NAME_KEYS = ['VESSEL_NAME', 'vessel_name', 'boat_name', 'name'] as const;

function findName(records: readonly unknown[]): string | undefined {
  for (const record of records.filter(isJsonObject).toReversed())
    for (const holder of [record['vessel'], record['configuration'], record].filter(isJsonObject))
      for (const key of NAME_KEYS) {
        const value = holder[key];
        const name = typeof value === 'string' ? toStorableText(value).trim() : '';
        if (name !== '') return [...name].slice(0, NAME_LENGTH_MAX).join('');
      }
  return undefined;
}

function findPosition(entries: readonly unknown[]): BoatPosition | undefined {
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index];
    if (!isJsonObject(entry)) continue;
    const { latitude, longitude } = toMapPosition(...positionIn(entry));
    if (latitude === null || longitude === null) continue;
    return { latitude, longitude, recordedAt: toClaimedTime(entry['timestamp_utc'] ?? entry['timestamp']) };
  }
  return undefined;
}
