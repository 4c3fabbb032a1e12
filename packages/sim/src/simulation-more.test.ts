import { holdSeeds } from './testing/hold-seeds.ts';

holdSeeds(51, 100);
