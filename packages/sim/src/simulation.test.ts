import { holdSeeds } from './testing/hold-seeds.ts';

// Further seeds have files of their own, so that every core has one.
holdSeeds(1, 50);
