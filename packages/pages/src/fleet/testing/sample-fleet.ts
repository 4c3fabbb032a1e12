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
import { systemRandomHex } from '../../../../central/src/platform/world.ts';
import { migrate } from '../../../../central/src/store/migrate.ts';

/** The current time of the sample fleet. */
export const SAMPLE_NOW = Date.UTC(2026, 1, 20, 10, 8, 31);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A boat of the sample: its exports and its problems. */
interface SampleBoat {
  readonly id: string;
  readonly name: string | undefined;
  readonly tier: 1 | 2 | 3;
  /** Age of the newest export in hours. Undefined if the boat never sent one. */
  readonly silentHours: number | undefined;
  readonly everyHours: number;
  readonly exports: number;
  readonly at: readonly [latitude: number, longitude: number];
  readonly missing?: readonly number[];
  readonly withdrawn?: readonly number[];
  readonly incomplete?: number;
  readonly rejects?: boolean;
  readonly trouble?: 'revoked' | 'disabled';
  readonly version?: string;
}

/** Twelve boats that cover every state. Numbers in `missing` and similar fields count from 1. */
export const SAMPLE_BOATS: readonly SampleBoat[] = [
  {
    id: '3fa92c77d01b48e6',
    name: 'Storm Petrel',
    tier: 2,
    silentHours: 268,
    everyHours: 24,
    exports: 44,
    at: [36.97, -9.05],
    missing: [41],
    withdrawn: [35],
    incomplete: 38,
  },
  {
    id: '90b1c3f25a7e4d08',
    name: 'Tern',
    tier: 2,
    silentHours: 78,
    everyHours: 24,
    exports: 20,
    at: [47.6, -5.4],
  },
  {
    id: 'e2d4471b8c905f3a',
    name: 'Brisa Nova',
    tier: 2,
    silentHours: 41,
    everyHours: 24,
    exports: 24,
    at: [39.5, 2.4],
  },
  {
    id: '5c08fe19a4b7d263',
    name: 'Nordlys',
    tier: 3,
    silentHours: 121,
    everyHours: 24,
    exports: 18,
    at: [54.9, 10.9],
    trouble: 'revoked',
  },
  {
    id: '1be6a0d73c4f8529',
    name: 'Halcyon',
    tier: 2,
    silentHours: 3,
    everyHours: 24,
    exports: 33,
    at: [50.1, -3.6],
    missing: [27],
  },
  {
    id: 'd74b20e86f1ca935',
    name: 'Äolus',
    tier: 3,
    silentHours: 5,
    everyHours: 12,
    exports: 40,
    at: [45.2, 12.6],
    rejects: true,
  },
  {
    id: '7c41e09ab25f6d38',
    name: 'Meltemi',
    tier: 2,
    silentHours: 0.02,
    everyHours: 24,
    exports: 30,
    at: [37.4, 24.9],
    incomplete: 30,
  },
  {
    id: 'b3906dc41f28e75a',
    name: 'Kestrel III',
    tier: 2,
    silentHours: 7,
    everyHours: 24,
    exports: 26,
    at: [41.4, 9.2],
    version: '0.2.0',
  },
  {
    id: '8e3f5520c9d16ab7',
    name: 'Sanna',
    tier: 2,
    silentHours: 8,
    everyHours: 24,
    exports: 14,
    at: [58.3, 11.3],
    version: '0.2.0',
  },
  {
    id: '6a17d9e20b83c4f5',
    name: 'Ceilidh',
    tier: 1,
    silentHours: 450,
    everyHours: 170,
    exports: 4,
    at: [57.2, -6.1],
  },
  {
    id: '2d9c64f1e83705ab',
    name: undefined,
    tier: 1,
    silentHours: undefined,
    everyHours: 24,
    exports: 0,
    at: [0, 0],
  },
  {
    id: 'f05a8c3e7412b96d',
    name: 'Lady Hestia',
    tier: 2,
    silentHours: 3_100,
    everyHours: 24,
    exports: 12,
    at: [38.4, 20.7],
  },
];

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

/** Starts central on an embedded PostgreSQL. The sample boats send all their data through the API, at the times of the sample. */
export async function startSampleCentral(operatorToken: string): Promise<SampleCentral> {
  const opened = await openEmbedded();
  await migrate(opened.store, SAMPLE_NOW);
  let now = SAMPLE_NOW;
  const app = createNode(opened.store, {
    wall: () => now,
    operatorToken,
    readPageFile: createPageReader(),
    limits: { installationImportsMax: 1_000 },
  });
  const listener = await listen(app.fetch, { host: '127.0.0.1', port: 0 });
  await enrolBoats(opened.store, app, (ms) => (now = ms));
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

async function enrolBoats(store: Store, app: App, setNow: (ms: number) => void): Promise<void> {
  for (const boat of SAMPLE_BOATS) {
    const world = { store, wallMs: SAMPLE_NOW - 200 * DAY_MS, randomHex: systemRandomHex };
    const { token } = await enroll(world, { installationId: boat.id, tier: boat.tier });
    await sendExports(app, boat, token, setNow);
    const present = { ...world, wallMs: SAMPLE_NOW - DAY_MS };
    setNow(SAMPLE_NOW - HOUR_MS);
    if (boat.trouble === 'revoked') {
      await revoke(present, boat.id, 'tokens');
      await send(app, boat, token, boat.exports, 1, 1);
    }
    if (boat.trouble === 'disabled') await revoke(present, boat.id, 'installation');
  }
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
    for (let part = 1; part <= parts; part += 1) await send(app, boat, token, sequence, part, count);
  }
}

async function send(
  app: App,
  boat: SampleBoat,
  token: string,
  sequence: number,
  index: number,
  count: number,
): Promise<void> {
  const ageHours = (boat.silentHours ?? 0) + (boat.exports - sequence) * boat.everyHours;
  const enrolled = { id: boat.id, token };
  const document = toDocument(enrolled, {
    sequence,
    exportId: `export_${boat.id.slice(0, 4)}_${sequence}`,
    ledgerId: `${boat.id.slice(0, 8)}aaaaaaaa`,
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
      { headers: { 'Idempotency-Key': `${document.export_id}/${index}` } },
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
