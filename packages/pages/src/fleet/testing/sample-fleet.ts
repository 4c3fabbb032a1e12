import { createHash } from 'node:crypto';
import { LEDGER_ID_HEADER } from '@d3kos/protocol';
import {
  createNode,
  toDocument,
  toImportRequest,
} from '../../../../central/src/testing/central-under-test.ts';
import type { App } from '../../../../central/src/http/app.ts';
import { listen } from '../../../../central/src/platform/listen.ts';
import { createPageReader } from '../../../../central/src/platform/page-files.ts';
import type { Store } from '../../../../central/src/platform/ports.ts';
import { openEmbedded } from '../../../../central/src/platform/testing/stores-under-test.ts';
import { enroll, revoke } from '../../../../central/src/installations/enroll.ts';
import { migrate } from '../../../../central/src/store/migrate.ts';
import { SAMPLE_BOATS, type SampleBoat } from './sample-boats.ts';

/** The sample fleet's current time. */
export const SAMPLE_NOW = Date.UTC(2026, 1, 20, 10, 8, 31);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const LINES = [
  ['auto', 'COG 214°, SOG 5.8 kn'],
  ['voice', 'Sagres light abeam, wind veering, second reef in'],
  ['weather_auto', 'NW 22 kn, 1009 hPa, 13 °C'],
  ['engine', 'Stopped after 1 h 20 min, 82 °C, 13.9 V'],
  ['text', 'Watch handed over, all quiet'],
] as const;

/** A running central with a fleet. */
export interface SampleCentral {
  readonly url: string;
  readonly store: Store;
  /** Sets central's clock. */
  setNow(ms: number): void;
  close(): Promise<void>;
}

/**
 * Starts central on an embedded PostgreSQL. The boats send all their data through the API, at the sample's times. Tokens and
 * codes are the same at every start, so that pictures of them do not change.
 */
export async function startSampleCentral(
  operatorToken: string,
  boats: readonly SampleBoat[] = SAMPLE_BOATS,
): Promise<SampleCentral> {
  const opened = await openEmbedded();
  await migrate(opened.store, SAMPLE_NOW);
  let now = SAMPLE_NOW;
  const randomHex = createSampleRandom();
  const app = createNode(opened.store, {
    wall: () => now,
    operatorToken,
    randomHex,
    readPageFile: createPageReader(),
    limits: { installationImportsMax: 1_000 },
  });
  const listener = await listen(app.fetch, { host: '127.0.0.1', port: 0 });
  await enrolBoats({ store: opened.store, app, boats, randomHex, setNow: (ms) => (now = ms) });
  now = SAMPLE_NOW;
  return {
    url: listener.url,
    store: opened.store,
    setNow: (ms) => (now = ms),
    close: async () => {
      await listener.stop();
      await opened.close();
    },
  };
}

/** Returns a source of random digits that are the same at every start: the digests of a counter. */
function createSampleRandom(): (sizeBytes: number) => string {
  let count = 0;
  return (sizeBytes) => {
    count += 1;
    return createHash('sha512')
      .update(String(count))
      .digest('hex')
      .slice(0, 2 * sizeBytes);
  };
}

interface SampleWorld {
  readonly store: Store;
  readonly app: App;
  readonly boats: readonly SampleBoat[];
  readonly randomHex: (sizeBytes: number) => string;
  readonly setNow: (ms: number) => void;
}

async function enrolBoats({ store, app, boats, randomHex, setNow }: SampleWorld): Promise<void> {
  for (const boat of boats) {
    const world = { store, wallMs: SAMPLE_NOW - 200 * DAY_MS, randomHex };
    const { token } = await enroll(world, { installationId: boat.id, tier: boat.tier });
    await sendExports(app, boat, token, setNow);
    const present = { ...world, wallMs: SAMPLE_NOW - DAY_MS };
    setNow(SAMPLE_NOW - HOUR_MS);
    if (boat.trouble === 'revoked') {
      await revoke(present, boat.id, 'tokens');
      await send(app, boat, { token, sequence: boat.exports, index: 1, count: 1 });
    }
    if (boat.trouble === 'disabled') await revoke(present, boat.id, 'installation');
    if (boat.trouble === 'copied') await sendFromCopy(app, boat, token, setNow);
  }
}

/**
 * Sends exports from a copy of the boat's card, which has its own ledger, while the boat itself continues with the earlier ledger.
 */
async function sendFromCopy(
  app: App,
  boat: SampleBoat,
  token: string,
  setNow: (ms: number) => void,
): Promise<void> {
  for (const { sequence, isCopy, ageHours } of [
    { sequence: 1, isCopy: true, ageHours: 29 },
    { sequence: boat.exports + 1, isCopy: false, ageHours: 6 },
    { sequence: 2, isCopy: true, ageHours: 5 },
  ]) {
    setNow(SAMPLE_NOW - ageHours * HOUR_MS);
    await send(app, boat, { token, sequence, index: 1, count: 1, isCopy, ageHours });
  }
  // Another export has this number, so central refuses it.
  await send(app, boat, { token, sequence: boat.exports, index: 1, count: 1, exportId: 'export_again' });
}

async function sendExports(
  app: App,
  boat: SampleBoat,
  token: string,
  setNow: (ms: number) => void,
): Promise<void> {
  if (boat.silentHours === undefined) return;
  for (let sequence = 1; sequence <= boat.exports; sequence += 1) {
    if (boat.missing?.includes(sequence) === true || boat.withdrawn?.includes(sequence) === true) continue;
    const ageHours = boat.silentHours + (boat.exports - sequence) * boat.everyHours;
    setNow(SAMPLE_NOW - ageHours * HOUR_MS);
    const count = boat.incomplete === sequence ? 9 : 1;
    const parts = count === 1 ? 1 : 5;
    for (let index = 1; index <= parts; index += 1) await send(app, boat, { token, sequence, index, count });
  }
}

/** A part that a sample boat sends. */
interface SamplePart {
  readonly token: string;
  readonly sequence: number;
  readonly index: number;
  readonly count: number;
  /** The export's age in hours. By default, the boat's exports are evenly spaced. */
  readonly ageHours?: number;
  readonly isCopy?: boolean;
  readonly exportId?: string;
}

async function send(app: App, boat: SampleBoat, part: SamplePart): Promise<void> {
  const { token, sequence, index, count, isCopy = false } = part;
  const ageHours = part.ageHours ?? (boat.silentHours ?? 0) + (boat.exports - sequence) * boat.everyHours;
  const enrolled = { id: boat.id, token };
  const document = toDocument(enrolled, {
    sequence,
    exportId: part.exportId ?? `export_${boat.id.slice(0, 4)}_${isCopy ? 'copy_' : ''}${sequence}`,
    ledgerId: `${boat.id.slice(0, 8)}${isCopy ? 'bbbbbbbb' : 'aaaaaaaa'}`,
    ...(count === 1 ? {} : { part: { index, count } }),
    data: toData(boat, sequence, index, SAMPLE_NOW - ageHours * HOUR_MS),
  });
  const answer = await app.fetch(
    toImportRequest(
      enrolled,
      JSON.stringify({
        ...document,
        tier: boat.tier,
        software_version: boat.version ?? '0.1.0',
        export_timestamp: new Date(SAMPLE_NOW - ageHours * HOUR_MS - 300_000).toISOString(),
        ...(boat.withdrawn === undefined || sequence < Math.max(...boat.withdrawn)
          ? {}
          : { withdrawn_sequences: boat.withdrawn }),
      }),
      {
        headers: {
          'Idempotency-Key': `${document.export_id}/${index}`,
          [LEDGER_ID_HEADER]: document.ledger_id,
        },
      },
    ),
  );
  if (!answer.ok && boat.trouble === undefined) throw new Error(await answer.text());
}

function toData(
  boat: SampleBoat,
  sequence: number,
  part: number,
  ms: number,
): Readonly<Record<string, unknown>> {
  const [latitude, longitude] = boat.at;
  // A repeatable number between 3 and 40, so that the days in the charts differ in size.
  const count = 3 + ((sequence * 37 + boat.exports * 11) % 38) * (sequence % 5 === 0 ? 4 : 1);
  const entries = Array.from({ length: count }, (_, index) => {
    const [type, content] = LINES[(index + sequence) % LINES.length] ?? ['auto', ''];
    const at = ms - (count - index) * 60_000;
    const away = (boat.exports - sequence) * 0.02 + (count - index) * 0.0005;
    return {
      record_id: `${sequence}-${part}-${index}`,
      timestamp_utc: new Date(at).toISOString(),
      entry_type: type,
      content,
      latitude: latitude + away,
      longitude: longitude + away,
    };
  });
  return {
    boatlog: { category: 'boatlog', entry_count: entries.length, entries },
    ...(sequence % 7 === 1 && boat.name !== undefined
      ? {
          onboarding: {
            category: 'onboarding',
            data: { record_id: 'onboarding', vessel: { VESSEL_NAME: boat.name, HOME_PORT: 'Lagos' } },
          },
          settings: { category: 'settings', data: { record_id: 'settings', language: 'en' } },
        }
      : {}),
    telemetry: {
      category: 'telemetry',
      data: { record_id: `t-${sequence}-${part}`, timestamp: new Date(ms).toISOString(), cpu: 41 },
    },
    system_alerts: {
      category: 'system_alerts',
      entries: [
        {
          record_id: `a-${sequence % 6}`,
          timestamp: new Date(ms).toISOString(),
          severity: sequence % 2 === 0 ? 'warning' : 'critical',
          status: sequence % 6 === 2 ? 'open' : 'resolved',
          message:
            sequence % 2 === 0 ? 'Bilge pump ran 14 times in an hour' : 'GPS without a fix for 12 minutes',
        },
      ],
    },
    ...(boat.rejects === true && sequence === boat.exports
      ? { boatlog: { category: 'boatlog', entry_count: 3, entries: [...entries, 'no object', 7, [1]] } }
      : {}),
  };
}
