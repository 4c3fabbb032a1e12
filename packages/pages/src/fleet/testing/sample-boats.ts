/** A sample boat: its exports and its problems. */
export interface SampleBoat {
  readonly id: string;
  readonly name: string | undefined;
  readonly tier: 1 | 2 | 3;
  /** Age of the latest export in hours. Undefined if the boat never sent one. */
  readonly silentHours: number | undefined;
  readonly everyHours: number;
  readonly exports: number;
  readonly at: readonly [latitude: number, longitude: number];
  readonly missing?: readonly number[];
  readonly withdrawn?: readonly number[];
  readonly incomplete?: number;
  readonly rejects?: boolean;
  readonly trouble?: 'revoked' | 'disabled' | 'copied';
  readonly version?: string;
}

/** Fourteen boats that cover every state. Numbers in `missing` and similar fields count from 1. */
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
  {
    id: '4e81d07f6ab9c235',
    name: 'Kittiwake',
    tier: 2,
    silentHours: 30,
    everyHours: 24,
    exports: 9,
    at: [51.8, -8.2],
    trouble: 'copied',
  },
  {
    id: 'a9d20f4b7e6183c5',
    name: 'Northern Lights of the Western Approaches II',
    tier: 2,
    silentHours: 290,
    everyHours: 24,
    exports: 8,
    at: [47.6, 9.4],
    trouble: 'disabled',
  },
];
