/** Identifies the truth's record from which a record in a file or at central originates. */
export interface RecordMarker {
  readonly key: string;
  /** The text of the record's version. */
  readonly version: string;
}

/** Reads an exported record's marker. Returns undefined for a category that the truth does not track. */
export function readMarker(
  category: string,
  record: Readonly<Record<string, unknown>>,
): RecordMarker | undefined {
  switch (category) {
    case 'boatlog':
      return { key: firstWord(record['content']), version: String(record['content']) };
    case 'marine_vision_captures':
      return { key: firstWord(record['species']), version: String(record['species']) };
    case 'system_alerts':
      return { key: firstWord(record['description']), version: String(record['status']) };
    case 'marine_vision_snapshots': {
      const name = String(record['record_id']);
      return { key: name.split('_')[1] ?? '', version: name };
    }
    case 'settings':
      return { key: 'settings', version: String(objectIn(record, 'preferences')['theme']) };
    case 'onboarding':
      return { key: 'onboarding', version: String(objectIn(record, 'configuration')['q1']) };
    default:
      return undefined;
  }
}

function firstWord(text: unknown): string {
  return String(text).split(' ')[0] ?? '';
}

function objectIn(
  record: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const value = record[name];
  // The object comes from JSON, and its values are compared as text.
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
