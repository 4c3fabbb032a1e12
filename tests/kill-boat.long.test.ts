import { killBoat } from '../crash/kill-boat.ts';
import { crashTest } from './support/crash-test.ts';

const KILLS = 200;

crashTest(
  `${KILLS} kills of the boat while it exports and uploads lose no record and store none twice`,
  KILLS,
  killBoat,
);
