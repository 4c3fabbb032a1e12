import { holdSeeds } from './testing/hold-seeds.ts';

holdSeeds(101, 150);
