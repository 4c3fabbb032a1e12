import { testSeeds } from './testing/test-seeds.ts';

// One test runs a hundred seeds, because its database keeps the boats of all its seeds in memory.
testSeeds(1, 100);
testSeeds(101, 200);
testSeeds(201, 300);
