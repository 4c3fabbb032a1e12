import { testSeeds } from './testing/test-seeds.ts';

// A test for each hundred, because the database of one test keeps every boat of its seeds in memory.
testSeeds(1, 100);
testSeeds(101, 200);
testSeeds(201, 300);
