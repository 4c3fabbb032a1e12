import { testSeeds } from './testing/test-seeds.ts';

testSeeds(51, 100);
