import { holdSeeds } from './testing/hold-seeds.ts';

// Its other half is a file of its own, so that both cores have one.
holdSeeds(1, 50);
