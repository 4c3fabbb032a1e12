import { testSeeds } from './testing/test-seeds.ts';

// Further seeds are in files of their own, so that each core can run one.
testSeeds(1, 50);
