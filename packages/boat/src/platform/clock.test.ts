import { createClock } from './clock.ts';
import { clockContract } from './contract/clock-contract.ts';

clockContract('the machine', () => ({ clock: createClock(), settle: (promise) => promise }));
