import { powerCutTest } from './support/crash-test.ts';

powerCutTest(25);
