import { killCentral } from '../crash/kill-central.ts';
import { crashTest } from './support/crash-test.ts';

const KILLS = 2;

crashTest(
  `${KILLS} kills of central while it imports lose no record and store none twice, and its database recovers`,
  KILLS,
  killCentral,
);
