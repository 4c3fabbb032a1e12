import { testSeeds } from './testing/test-seeds.ts';

// Each test runs only a hundred seeds, because its database keeps all of their boats in memory.
testSeeds(1, 100);
testSeeds(101, 200);
testSeeds(201, 300);
