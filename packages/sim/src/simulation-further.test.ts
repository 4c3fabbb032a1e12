import { testSeeds } from './testing/test-seeds.ts';

testSeeds(101, 150);
